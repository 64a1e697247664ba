import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import { type RetryPolicy, retry } from '#core/retry.ts'
import { nextBatch, sizeOf, type Waiting, waitingOf } from '../batches.ts'
import { EventGrouper } from '../event-grouper.ts'
import type { Line } from '../lines.ts'
import type { Place } from '../places.ts'
import type { AuditSink } from '../sink.ts'
import type { StreamStatus } from '../status.ts'

/** Between two looks at a log with nothing new in it. */
const LOOK_EVERY: Ms = 1_000
/** So often it says how it is although nothing has changed. */
const TELL_EVERY: Ms = 30_000
/** So much is read before it is carried away; what is in the log is safe there, and waits. */
const MOST_WAITING = 2 * 1024 * 1024
/** What keeps it from going on may be mended an hour later: it is tried until then, and not often. */
const KEEP_TRYING: RetryPolicy = { attempts: Infinity, base: 1_000, cap: 60_000 }
/** What was said of a trouble is said again after so long, where it is still there or has come back. */
const SAY_AGAIN: Ms = 10 * 60_000
/** Once it is to end, it carries away what is at hand within so long, or leaves it to the next start. */
const FAREWELL: Ms = 5_000
const LAST_TRIES: RetryPolicy = { attempts: 3, base: 200, cap: 1_000 }

export interface StreamShell {
  /** The lines that have not been read; none where there are none yet. */
  readonly reader: { next(): Promise<readonly Line[]> }
  readonly sink: AuditSink
  readonly clock: Clock
  readonly chance: () => number
  /** Remembers that all before a place has been carried away. */
  readonly remember: (place: Place) => Promise<void>
  /** A sentence for the journal. */
  readonly say: (text: string) => void
  /** How it is, after every change and now and then; never rejects. */
  readonly tell: (status: StreamStatus) => Promise<void>
}

/**
 * Carries audit events away as they are written, until `signal` aborts. What was carried away is remembered afterwards:
 * after a crash some of it comes twice, and nothing is left out. As long as it cannot be carried away nothing is read.
 */
export async function streamAudit(shell: StreamShell, signal: AbortSignal): Promise<void> {
  const stream = new AuditStream(shell)
  try {
    for (;;) {
      await stream.carry(signal)
      await sleep(shell.clock, LOOK_EVERY, signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  await stream.farewell()
}

/** One run of the stream; whoever drives it says when to look. */
export class AuditStream {
  readonly #shell: StreamShell
  readonly #grouper = new EventGrouper()
  readonly #waiting: Waiting[] = []
  #bytes = 0
  readonly #counts = { shipped: 0, refused: 0, moved: 0 }
  /** The code of why it does not go on. */
  #trouble: string | undefined
  /** Since when. */
  #stuckSince: Ms | undefined
  /** What of that was said last, and when; whether it was taken back. */
  #said: { readonly kind: string; readonly at: Ms } | undefined
  #isSaid = false
  #isForgetful = false
  #toldAt: Ms = -Infinity

  constructor(shell: StreamShell) {
    this.#shell = shell
  }

  /** Reads what there is, and carries away what of it is whole. */
  async carry(signal: AbortSignal): Promise<void> {
    for (;;) {
      const isMore = await this.#insist(signal, KEEP_TRYING, () => this.#read())
      await this.#ship(signal, KEEP_TRYING)
      if (!isMore) break
    }
    if (this.#shell.clock.now().mono - this.#toldAt >= TELL_EVERY) await this.#tell()
  }

  async farewell(): Promise<void> {
    const { clock, say } = this.#shell
    const late = new AbortController()
    const cancel = clock.after(FAREWELL, () =>
      late.abort(new PgctlError('timed-out', 'there is no more time')),
    )
    try {
      await this.#read()
      this.#grouper.finish()
      this.#collect()
      await this.#ship(late.signal, LAST_TRIES)
    } catch (error) {
      say(`what is left is carried away after the next start: ${messageOf(error)}`)
    } finally {
      cancel()
    }
  }

  /** Whether there is more than it took. */
  async #read(): Promise<boolean> {
    const { reader, clock } = this.#shell
    while (this.#bytes < MOST_WAITING) {
      const lines = await reader.next()
      const now = clock.now()
      for (const line of lines) this.#grouper.push(line, now)
      if (lines.length === 0) this.#grouper.tick(now)
      this.#collect()
      if (lines.length === 0) return false
    }
    return true
  }

  #collect(): void {
    for (const block of this.#grouper.take())
      for (const each of waitingOf(block)) {
        this.#waiting.push(each)
        this.#bytes += each.event === undefined ? 0 : sizeOf(each.event)
      }
  }

  async #ship(signal: AbortSignal, policy: RetryPolicy): Promise<void> {
    const { sink, clock } = this.#shell
    while (this.#waiting.length > 0) {
      const { taken, end } = await this.#insist(signal, policy, async () => {
        // Made anew for each try: what the service takes depends on the time.
        const batch = nextBatch(this.#waiting, clock.now().wall)
        if (batch.events.length > 0) this.#count(batch, await sink.put(batch.events, signal))
        return batch
      })
      const gone = this.#waiting.splice(0, taken)
      for (const { event } of gone) this.#bytes -= event === undefined ? 0 : sizeOf(event)
      if (end !== undefined) await this.#remember(end)
      await this.#tell()
    }
  }

  /** What cannot be remembered is carried away all the same: it comes twice after the next start. */
  async #remember(place: Place): Promise<void> {
    const { remember, say } = this.#shell
    try {
      await remember(place)
      this.#isForgetful = false
    } catch (error) {
      if (!isSystemError(error)) throw error
      if (!this.#isForgetful) say(`how far it is cannot be written down: ${error.message}`)
      this.#isForgetful = true
    }
  }

  #count(batch: { events: readonly unknown[]; moved: number }, refused: { tooOld: number; tooNew: number }) {
    const { say } = this.#shell
    const lost = refused.tooOld + refused.tooNew
    this.#counts.shipped += batch.events.length - lost
    this.#counts.refused += lost
    this.#counts.moved += batch.moved
    if (lost > 0)
      say(
        `the log refused ${lost} events for their times (${refused.tooOld} too old, ${refused.tooNew} too far ahead): they are in the files of this machine alone`,
      )
    if (batch.moved > 0)
      say(`${batch.moved} events are told at the nearest time that the log takes; their text has their own`)
  }

  /** Tries until it works; what keeps it from working is said once, and that it works again. */
  async #insist<T>(signal: AbortSignal, policy: RetryPolicy, action: () => Promise<T>): Promise<T> {
    const { clock, chance, say } = this.#shell
    const result = await retry(action, {
      clock,
      chance,
      policy,
      signal,
      retryable: (error) => {
        if (signal.aborted || (!isPgctlError(error) && !isSystemError(error))) return false
        this.#complain(error)
        return true
      },
    })
    this.#trouble = undefined
    this.#stuckSince = undefined
    if (this.#isSaid) say('it goes on')
    this.#isSaid = false
    return result
  }

  /** Once: what comes and goes is said again only after a while, however often it does. */
  #complain(error: PgctlError | NodeJS.ErrnoException): void {
    const { mono, wall } = this.#shell.clock.now()
    this.#trouble = error.code ?? error.message
    this.#stuckSince ??= wall
    if (this.#said?.kind !== this.#trouble || mono - this.#said.at >= SAY_AGAIN) {
      const { why, next } = error as Partial<PgctlError>
      const more = [why, next === undefined ? undefined : `next: ${next}`].filter(
        (text) => text !== undefined,
      )
      this.#shell.say(['it does not go on, and tries again', error.message, ...more].join(': '))
      this.#said = { kind: this.#trouble, at: mono }
      this.#isSaid = true
    }
    void this.#tell()
  }

  async #tell(): Promise<void> {
    const first = this.#waiting.find(({ event }) => event !== undefined)?.event?.at ?? this.#grouper.oldest
    const { mono, wall } = this.#shell.clock.now()
    this.#toldAt = mono
    // What cannot be read waits as well: nobody knows for how long, but at least since then.
    const how = { at: wall, oldest: first ?? this.#stuckSince ?? null, trouble: this.#trouble ?? null }
    await this.#shell.tell({ v: 1, ...how, ...this.#counts })
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
