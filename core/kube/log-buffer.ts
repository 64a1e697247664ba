import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { type LogEntry, weigh } from '#core/logs/merge.ts'
import type { LogSource } from '#core/logs/sources.ts'

type Batch = readonly LogEvent[]

/** A queue of texts outside of memory. */
export interface Spill {
  readonly held: Bytes
  push(text: string): Promise<void>
  shift(): Promise<string | undefined>
  close(): Promise<void>
}

export interface BufferLimits {
  /** What waits in memory; beyond it, what comes is spilled. */
  readonly memory: Bytes
  /** What waits outside; beyond it, the source waits, and with it the cluster. */
  readonly spill: Bytes
}

export const BUFFER_LIMITS: BufferLimits = { memory: 8 * 1024 * 1024, spill: 1024 * 1024 * 1024 }

/**
 * Stands between a follow and a reader who may be slow (`| less`, a terminal that is held): the follow goes on, so
 * that no log is rotated away while nobody reads it. What memory should not hold is spilled, in its order, and once
 * that is full as well the sockets are read no further.
 *
 * When the source fails, everything that came before is given first. When `signal` aborts and something is spilled,
 * only the ledger is given, with the lines that a reader really had.
 */
export async function* bufferLogs(
  open: (signal: AbortSignal) => AsyncGenerator<Batch>,
  openSpill: () => Promise<Spill>,
  signal: AbortSignal,
  limits: BufferLimits = BUFFER_LIMITS,
): AsyncGenerator<Batch> {
  const ending = new AbortController()
  const buffer = new LogBuffer(openSpill, limits)
  const onAbort = () => buffer.hurry()
  signal.addEventListener('abort', onAbort, { once: true })
  const filling = buffer.fill(open(AbortSignal.any([signal, ending.signal])))
  filling.catch(() => {})
  try {
    for (let batch = await buffer.take(); batch !== undefined; batch = await buffer.take()) yield batch
    await filling
  } finally {
    signal.removeEventListener('abort', onAbort)
    ending.abort(signal.reason ?? new PgctlError('interrupted', 'nobody reads the logs any longer'))
    buffer.hurry()
    await Promise.allSettled([filling])
    await buffer.close()
  }
}

/** What an event was put in order by, and held for: of no use once it is in its order. */
const ORDERING: ReadonlySet<string> = new Set<keyof LogEntry<LogSource>>(['hour', 'within', 'weight'])

class LogBuffer {
  readonly #openSpill: () => Promise<Spill>
  readonly #limits: BufferLimits
  readonly #memory: Batch[] = []
  #weight: Bytes = 0
  #spill: Spill | undefined
  /** Whether the disk has refused to take more. */
  #isBroken = false
  #hurries = false
  #ended = false
  #ledger: Extract<LogEvent, { event: 'ledger' }> | undefined
  /** Lines that came and were not given. */
  #waitingLines = 0
  readonly #sources: LogSource[] = []
  readonly #numbers = new Map<LogSource, number>()
  #wakeTaker = () => {}
  #wakeFiller = () => {}

  constructor(openSpill: () => Promise<Spill>, limits: BufferLimits) {
    this.#openSpill = openSpill
    this.#limits = limits
  }

  /** Takes all that `source` gives, and rejects as it does. */
  async fill(source: AsyncGenerator<Batch>): Promise<void> {
    try {
      for await (const batch of source) {
        const [event] = batch
        if (event?.event === 'ledger') this.#ledger = event
        this.#waitingLines += linesIn(batch)
        await this.#put(batch)
        this.#wakeTaker()
      }
    } finally {
      this.#ended = true
      this.#wakeTaker()
    }
  }

  /** The next batch; undefined after the last. */
  async take(): Promise<Batch | undefined> {
    for (;;) {
      if (this.#hurries && this.#held > 0) {
        if (this.#ended) return this.#takeLedger()
      } else {
        const batch = await this.#next()
        if (batch !== undefined) return batch
        if (this.#memory.length > 0 || this.#held > 0) continue
        if (this.#ended) return undefined
      }
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve
      })
    }
  }

  /** Nobody waits for what is spilled any longer. */
  hurry(): void {
    this.#hurries = true
    this.#wakeTaker()
    this.#wakeFiller()
  }

  async close(): Promise<void> {
    await this.#spill?.close()
  }

  get #held(): Bytes {
    return this.#spill?.held ?? 0
  }

  async #put(batch: Batch): Promise<void> {
    for (;;) {
      if (this.#hurries && this.#held > 0) return
      if (this.#held === 0 && this.#weight < this.#limits.memory) return this.#remember(batch)
      if (!this.#isBroken && this.#held < this.#limits.spill && (await this.#spillOut(batch))) return
      if (this.#hurries) return this.#remember(batch)
      await new Promise<void>((resolve) => {
        this.#wakeFiller = resolve
      })
    }
  }

  #remember(batch: Batch): void {
    this.#memory.push(batch)
    this.#weight += weighBatch(batch)
  }

  async #spillOut(batch: Batch): Promise<boolean> {
    try {
      this.#spill ??= await this.#openSpill()
      await this.#spill.push(this.#encode(batch))
      return true
    } catch {
      // A full disk is no reason to lose a line: the cluster waits then, as without a file.
      this.#isBroken = true
      return false
    }
  }

  async #next(): Promise<Batch | undefined> {
    let batch = this.#memory.shift()
    if (batch !== undefined) this.#weight -= weighBatch(batch)
    else {
      const text = await this.#spill?.shift()
      if (text !== undefined) batch = this.#decode(text)
    }
    if (batch !== undefined) this.#waitingLines -= linesIn(batch)
    this.#wakeFiller()
    return batch
  }

  /** Passes over all that waits. */
  #takeLedger(): Batch | undefined {
    const ledger = this.#ledger
    if (ledger === undefined) return undefined
    this.#ledger = undefined
    return [{ ...ledger, summary: { ...ledger.summary, lines: ledger.summary.lines - this.#waitingLines } }]
  }

  #encode(batch: Batch): string {
    return JSON.stringify(batch, (name, value) => {
      if (name === 'source') return this.#numberOf(value)
      return ORDERING.has(name) ? undefined : value
    })
  }

  #decode(text: string): Batch {
    return JSON.parse(text, (name, value) => (name === 'source' ? this.#sources[value] : value))
  }

  #numberOf(source: LogSource): number {
    let number = this.#numbers.get(source)
    if (number === undefined) {
      number = this.#sources.push(source) - 1
      this.#numbers.set(source, number)
    }
    return number
  }
}

function weighBatch(batch: Batch): Bytes {
  let weight = 0
  for (const event of batch)
    if (event.event === 'line') {
      weight += weigh(event.line)
      for (const line of event.rest) weight += weigh(line)
    } else weight += weigh({ stamp: undefined, text: '' })
  return weight
}

function linesIn(batch: Batch): number {
  return batch.reduce((sum, event) => sum + (event.event === 'line' ? 1 + event.rest.length : 0), 0)
}
