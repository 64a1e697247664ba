import type { Duplex } from 'node:stream'
import { PgctlError } from '#core/errors.ts'
import { untilAborted } from '#core/tunnel/abortable.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'

export interface RoutePoolOptions<Key> {
  /** What makes two places the same. */
  readonly nameOf: (place: Key) => string
  readonly open: (place: Key, signal: AbortSignal) => Promise<Dialer>
  readonly onEvent: (place: Key, event: DialerEvent) => void
}

/** One route for each place that is asked for, opened at the first connection and kept for the next ones. */
export class RoutePool<Key> implements AsyncDisposable {
  readonly #options: RoutePoolOptions<Key>
  readonly #dialers = new Map<string, Promise<Dialer>>()
  readonly #over = new AbortController()

  constructor(options: RoutePoolOptions<Key>) {
    this.#options = options
  }

  /** A connection to the place. @throws PgctlError of the route; the signal's reason. */
  async connect(place: Key, signal: AbortSignal): Promise<Duplex> {
    const dialer = await untilAborted(this.#dialerOf(place), signal)
    return dialer.connect(signal)
  }

  /** Whoever asked first may have gone: the route is opened for all who come. */
  #dialerOf(place: Key): Promise<Dialer> {
    const name = this.#options.nameOf(place)
    const known = this.#dialers.get(name)
    if (known !== undefined) return known
    const opening = this.#options.open(place, this.#over.signal)
    this.#dialers.set(name, opening)
    const forget = () => {
      if (this.#dialers.get(name) === opening) this.#dialers.delete(name)
    }
    opening.then(
      (dialer) =>
        dialer.events.subscribe((event) => {
          if (event.event === 'ended') forget()
          this.#options.onEvent(place, event)
        }),
      forget,
    )
    return opening
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new PgctlError('interrupted', 'the routes were closed'))
    const dialers = await Promise.allSettled(this.#dialers.values())
    this.#dialers.clear()
    await Promise.all(
      dialers.map((each) => (each.status === 'fulfilled' ? each.value[Symbol.asyncDispose]() : undefined)),
    )
  }
}
