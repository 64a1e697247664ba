import type { Clock, Ms } from '#core/clock.ts'
import type { LogEvent } from '#core/logs/events.ts'
import type { LogFunnel } from '#core/logs/funnel.ts'
import { LogLedger } from '#core/logs/ledger.ts'
import type { LogLine } from '#core/logs/line.ts'
import type { BadSeam } from '#core/logs/overlap.ts'
import { REORDER_WINDOW } from '#core/logs/reorder-window.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** Events handed over at once; enough to make the handing over cheap, few enough to be prompt. */
const BATCH = 1_024

interface InTurn {
  readonly event: LogEvent
  readonly source: LogSource
  readonly due: Ms
}

interface Divider {
  readonly before: LogSource
  readonly event: LogEvent
}

/**
 * Where readers leave their lines and one consumer fetches them: in order, in batches, and no faster than the
 * consumer takes them.
 */
export class LogOutlet {
  readonly #funnel: LogFunnel<LogSource>
  readonly #clock: Clock
  readonly #ledger = new LogLedger()
  #notices: LogEvent[] = []
  #inTurn: InTurn[] = []
  readonly #dividers = new Map<LogSource, Divider>()
  /** Sources before a divider of which a line was given. */
  readonly #spoken = new Set<LogSource>()
  #waiting: Array<{ readonly source: LogSource; readonly proceed: () => void }> = []
  #wake = () => {}
  #closed = false
  #failure: { readonly error: unknown } | undefined

  constructor(funnel: LogFunnel<LogSource>, clock: Clock) {
    this.#funnel = funnel
    this.#clock = clock
  }

  /** Takes lines of one source; a promise says to wait before bringing more. */
  accept(source: LogSource, lines: readonly LogLine[]): Promise<void> | undefined {
    this.#funnel.push(source, lines, this.#clock.now())
    this.#wake()
    if (this.#closed || !this.#funnel.isFull(source)) return undefined
    return new Promise((proceed) => this.#waiting.push({ source, proceed }))
  }

  /** What comes next of a source that is followed was written before what came last. */
  rewind(source: LogSource): void {
    this.#funnel.rewind(source)
  }

  /** A log is being read, whether or not it will have lines. */
  opened(): void {
    this.#ledger.opened()
  }

  /** What of a source may be a hole, for a ledger that is asked for before that is clear; none once it is. */
  doubt(source: LogSource, seams: readonly BadSeam[]): void {
    this.#ledger.doubt(source, seams)
  }

  report(event: LogEvent): void {
    this.#notices.push(event)
    this.#wake()
  }

  /** Tells an event once the lines that have come by now are given, and before any later one of `source`. */
  reportInTurn(event: LogEvent, source: LogSource): void {
    this.#inTurn.push({ event, source, due: this.#clock.now().mono + REORDER_WINDOW })
    this.#wake()
  }

  /** Tells an event between the last line of `before` and the first one of `source`, if the former has any. */
  divide(before: LogSource, source: LogSource, event: LogEvent): void {
    this.#dividers.set(source, { before, event })
  }

  /** The source's part of the history is complete. */
  endHistory(source: LogSource): void {
    this.#funnel.endHistory(source)
    this.#wake()
  }

  /** Nothing more will be brought: what is held goes out, and then the batches end. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  /** The batches end with this error, after what can be given without waiting. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.close()
  }

  /** Everything in its turn, until `close` or `fail`; the ledger is the last event, also before a failure. */
  async *batches(): AsyncGenerator<readonly LogEvent[]> {
    try {
      for (;;) {
        const batch = this.#take()
        if (batch.length > 0) {
          for (const event of batch) this.#ledger.see(event)
          yield batch
        }
        // Also when all that was taken is beyond the tail, or not wanted.
        this.#makeRoom()
        if (batch.length > 0) continue
        if (this.#closed) break
        await this.#sleep()
      }
      const summary = this.#ledger.summary(this.#funnel.hidden)
      // Where nothing was read because of the failure, there is nothing to account for.
      if (this.#failure === undefined || summary.lines > 0) yield [{ event: 'ledger', summary }]
    } finally {
      // Readers that wait for a consumer who has gone would wait for ever.
      this.#closed = true
      for (const { proceed } of this.#waiting.splice(0)) proceed()
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #take(): LogEvent[] {
    const batch = this.#notices
    this.#notices = []
    const now = this.#clock.now()
    while (batch.length < BATCH) {
      const released = this.#funnel.poll(now, this.#closed)
      if (released === undefined) {
        this.#tellDue(now.mono, batch)
        break
      }
      if (this.#inTurn.length > 0) this.#tellBefore(released.source, batch)
      if (this.#dividers.size > 0) this.#divideBefore(released.source, batch)
      batch.push(released)
    }
    return batch
  }

  #tellBefore(source: LogSource, batch: LogEvent[]): void {
    const own = this.#inTurn.findLastIndex((entry) => entry.source === source)
    for (const { event } of this.#inTurn.splice(0, own + 1)) batch.push(event)
  }

  /** What waits for lines that will not come. */
  #tellDue(mono: Ms, batch: LogEvent[]): void {
    while (this.#inTurn[0] !== undefined && (this.#closed || this.#inTurn[0].due <= mono))
      batch.push((this.#inTurn.shift() as InTurn).event)
    if (!this.#funnel.isLive && !this.#closed) return
    for (const source of this.#dividers.keys()) this.#divideBefore(source, batch)
  }

  #divideBefore(source: LogSource, batch: LogEvent[]): void {
    const divider = this.#dividers.get(source)
    if (divider === undefined) {
      this.#spoken.add(source)
      return
    }
    this.#dividers.delete(source)
    if (this.#spoken.has(divider.before)) batch.push(divider.event)
  }

  #makeRoom(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const entry of waiting) {
      if (this.#funnel.isFull(entry.source)) this.#waiting.push(entry)
      else entry.proceed()
    }
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      const deadlines = [this.#funnel.deadline(), this.#inTurn[0]?.due].filter((due) => due !== undefined)
      const deadline = deadlines.length === 0 ? undefined : Math.min(...deadlines)
      const { mono } = this.#clock.now()
      const cancel =
        deadline === undefined ? () => {} : this.#clock.after(deadline - mono, () => this.#wake())
      this.#wake = () => {
        this.#wake = () => {}
        cancel()
        resolve()
      }
    })
  }
}
