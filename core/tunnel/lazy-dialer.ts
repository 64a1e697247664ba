import type { Duplex } from 'node:stream'
import type { Clock, Ms } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { untilAborted } from '#core/tunnel/abortable.ts'
import type { Dialer, DialerEvent, RouteName } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'

export interface LazyDialerOptions {
  readonly route: RouteName
  /** Opens the way; called again for every connection that finds it closed. */
  readonly open: (signal: AbortSignal) => Promise<Dialer>
  readonly clock: Clock
  /** How long the way stays open without a connection. */
  readonly idle: Ms
}

/**
 * A way that is open only while someone uses it: the first connection opens it, and it is closed once none has been
 * open for `idle`. Its own end, whatever the cause, is not the end of the tunnel: the next connection opens another.
 *
 * It is the connection that opens it, not the first byte: a far end that speaks first would never be reached.
 *
 * ```
 *   asleep ──connect, wake──▶ opening ──▶ awake ──idle, or the way has ended──▶ asleep
 * ```
 */
export class LazyDialer implements Dialer {
  readonly route: RouteName
  readonly halfClose = false
  readonly events = new EventChannel<DialerEvent>()
  readonly #options: LazyDialerOptions
  readonly #over = new AbortController()
  #opening: Promise<Dialer> | undefined
  #awake: Dialer | undefined
  #unsubscribe = () => {}
  /** Connections that are open or being opened. */
  #using = 0
  #cancelSleep = () => {}

  constructor(options: LazyDialerOptions) {
    this.route = options.route
    this.#options = options
  }

  get isAwake(): boolean {
    return this.#awake !== undefined
  }

  /** Opens the way without a connection, so that what keeps it closed is known now. */
  async wake(signal?: AbortSignal): Promise<void> {
    await this.#use(() => untilAborted(this.#open(), signal))
    this.#rest()
  }

  async connect(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted()
    const stream = await this.#use(async () => (await untilAborted(this.#open(), signal)).connect(signal))
    stream.once('close', () => this.#rest())
    if (this.#over.signal.aborted) stream.destroy(this.#over.signal.reason)
    return stream
  }

  roundTrip(): Ms | undefined {
    return this.#awake?.roundTrip()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new PgctlError('session-ended', 'the tunnel was closed'))
    this.#cancelSleep()
    // What is just being opened is given up by the signal, and disposes of itself.
    await this.#opening?.catch(() => {})
    const dialer = this.#awake
    this.#forget()
    await dialer?.[Symbol.asyncDispose]()
  }

  /** Keeps the way open while `action` runs, and beyond where that succeeds. */
  async #use<T>(action: () => Promise<T>): Promise<T> {
    this.#using++
    this.#cancelSleep()
    try {
      return await action()
    } catch (error) {
      this.#rest()
      throw error
    }
  }

  /** One user less; the last one leaves it to fall asleep. */
  #rest(): void {
    this.#using--
    this.#cancelSleep()
    if (this.#using > 0 || this.#awake === undefined) return
    const { clock, idle } = this.#options
    this.#cancelSleep = clock.after(idle, () => void this.#sleep())
  }

  async #sleep(): Promise<void> {
    const dialer = this.#awake
    if (dialer === undefined || this.#using > 0) return
    this.#forget()
    this.events.emit({ event: 'asleep', after: this.#options.idle, error: undefined })
    await this.#dispose(dialer)
  }

  #open(): Promise<Dialer> {
    if (this.#over.signal.aborted) return Promise.reject(this.#over.signal.reason)
    if (this.#awake !== undefined) return Promise.resolve(this.#awake)
    this.#opening ??= this.#dial().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #dial(): Promise<Dialer> {
    const dialer = await this.#options.open(this.#over.signal)
    if (this.#over.signal.aborted) {
      await dialer[Symbol.asyncDispose]()
      throw this.#over.signal.reason
    }
    this.#awake = dialer
    this.#unsubscribe = dialer.events.subscribe((event) => this.#onEvent(dialer, event))
    return dialer
  }

  #onEvent(dialer: Dialer, event: DialerEvent): void {
    if (event.event !== 'ended') {
      this.events.emit(event)
      return
    }
    this.#forget()
    this.events.emit({ event: 'asleep', after: undefined, error: event.error })
    void this.#dispose(dialer)
  }

  async #dispose(dialer: Dialer): Promise<void> {
    try {
      await dialer[Symbol.asyncDispose]()
    } catch (error) {
      this.events.emit({
        event: 'notice',
        message: `its session was not closed in order: ${messageOf(error)}`,
      })
    }
  }

  #forget(): void {
    this.#cancelSleep()
    this.#unsubscribe()
    this.#unsubscribe = () => {}
    this.#awake = undefined
  }
}
