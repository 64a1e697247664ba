import { PgctlError } from '#core/errors.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import { ContainerReader, type ReaderContext } from '#core/kube/container-reader.ts'
import type { LogOutlet } from '#core/kube/log-outlet.ts'
import type { LogRange } from '#core/kube/logs.ts'
import { StreamPlaces } from '#core/kube/stream-places.ts'
import { searchTail } from '#core/kube/tail-search.ts'
import type { Wanted } from '#core/logs/choice.ts'
import type { RunEnd } from '#core/logs/follow.ts'
import type { HistoryEnd } from '#core/logs/history-end.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { type Span, sinceTimeOf } from '#core/logs/span.ts'

/** Which part of each log is read, and whether it goes on. */
export interface ReadingOptions {
  /** Goes on with what is written, and with pods that come. */
  readonly follow: boolean
  /** At most so many of the last lines, of all sources together; with a filter, of those that it accepts. */
  readonly tail: number | undefined
  /** Only what was written within the last seconds. */
  readonly sinceSeconds: number | undefined
  /** Only what is stamped within; a follow ends there. Not together with `sinceSeconds`. */
  readonly span?: Span | undefined
  /** The runs before the current ones; cannot be followed. */
  readonly previous: boolean
  /** Which events are wanted, and what around them; all are if undefined. */
  readonly wanted?: Wanted | undefined
  /** So many logs are followed at once; 500 if undefined. */
  readonly maxStreams?: number | undefined
  /** How many of the last lines of each source are looked at for a filter; all are if undefined. */
  readonly searched?: number | undefined
}

/** Logs that are followed at once: each is a connection of its own through the tunnel. */
const FOLLOWED = 500

/** A run whose history was read. */
export interface ReadRun {
  readonly source: LogSource
  readonly reader: ContainerReader
  /** What to ask for when it goes on without having read anything. */
  readonly range: LogRange
}

/** The readings of runs, from the first line that is wanted to the end of each, and what became of them. */
export class RunReadings {
  readonly #options: ReadingOptions
  readonly #span: Span
  readonly #context: ReaderContext
  readonly #out: LogOutlet
  readonly #signal: AbortSignal
  /** Whether a namespace whose logs may not be read is left out, as there are others. */
  readonly #isOneOfNamespaces: boolean
  readonly #places: StreamPlaces
  /** The newest run of each container being read; gives its reader when it is through. */
  readonly #newest = new Map<string, Promise<ContainerReader>>()
  readonly #followed = new Set<Promise<unknown>>()
  readonly #lost: string[] = []
  readonly #refused = new Map<string, KubeApiError>()

  constructor(
    options: ReadingOptions,
    context: ReaderContext,
    out: LogOutlet,
    isOneOfNamespaces: boolean,
    signal: AbortSignal,
  ) {
    this.#options = options
    this.#span = options.span ?? {}
    this.#context = context
    this.#out = out
    this.#isOneOfNamespaces = isOneOfNamespaces
    this.#signal = signal
    this.#places = new StreamPlaces(options.maxStreams ?? FOLLOWED, context.clock, (event) =>
      out.report(event),
    )
  }

  /** Why the whole was not read although nothing failed for good; undefined when it was. */
  get failure(): PgctlError | undefined {
    const [refused] = this.#refused.values()
    return refused ?? (this.#lost.length > 0 ? incomplete(this.#lost) : undefined)
  }

  /** Whether the logs of a namespace may not be read. */
  isRefused(namespace: string): boolean {
    return this.#refused.has(namespace)
  }

  /** Reads what there is of a run; `isPast`: of one that is over, and followed by one that is read as well. */
  async readHistory(source: LogSource, isPast: boolean): Promise<ReadRun> {
    const { follow, sinceSeconds } = this.#options
    const previous = this.#options.previous || isPast
    const reader = new ContainerReader(source, this.#context)
    this.#out.opened()
    const range: LogRange = { sinceSeconds, sinceTime: sinceTimeOf(this.#span), previous }
    const lines = this.#linesOfEach()
    const asked = this.#endsInThePast ? range : { ...range, tail: lines }
    const read = async () =>
      reader.readHistory(await this.#fromTailOn(source, asked, lines), follow && !isPast, this.#signal)
    const how = await this.#orRefused(source, read())
    this.#out.endHistory(source)
    const isGone = how.kind === 'lost' && how.isRefused && isPast
    if (isGone || how.kind === 'unchecked') this.#report(source, { kind: 'unchecked' })
    else if (how.kind === 'lost') {
      if (!follow || isPast) this.#giveUp(source, how.why)
    } else if (this.#options.previous)
      this.#report(source, { kind: 'whole', end: this.#context.statusOf(source)?.previous })
    // A log without lines will have new ones only; of one that could not be read, the past is still unknown.
    return { source, reader, range: how.kind === 'lost' ? asked : range }
  }

  /**
   * Reads a run to its end, once the run before it is; `range` is asked for while nothing of it was read, and `begin`
   * gives its reader when its turn has come.
   */
  async follow(
    source: LogSource,
    range: LogRange,
    begin: (before: ContainerReader | undefined) => ContainerReader,
  ): Promise<void> {
    const key = containerKey(source.podUid, source.container)
    const done = this.#followAfter(this.#newest.get(key), source, range, begin)
    this.#newest.set(key, done)
    this.#followed.add(done)
    await done
    this.#followed.delete(done)
  }

  /** Waits until nothing is followed any longer. */
  async followedToEnd(): Promise<void> {
    while (this.#followed.size > 0) await Promise.all(this.#followed)
  }

  /** A pod is gone: no run of its containers will come. */
  forget(podUid: string): void {
    for (const key of this.#newest.keys())
      if (key.startsWith(containerKey(podUid, ''))) this.#newest.delete(key)
  }

  async #followAfter(
    before: Promise<ContainerReader> | undefined,
    source: LogSource,
    range: LogRange,
    begin: (before: ContainerReader | undefined) => ContainerReader,
  ): Promise<ContainerReader> {
    const reader = begin(await before)
    const follow = () => reader.follow(range, this.#signal)
    const how = await this.#places.hold(follow, this.#signal, this.#context.until)
    if (how !== undefined) this.#out.reportInTurn({ event: 'over', source, how }, source)
    return reader
  }

  /** Of several namespaces, one whose logs may not be read spoils nothing for the others. */
  async #orRefused({ namespace }: LogSource, reading: Promise<HistoryEnd>): Promise<HistoryEnd> {
    try {
      return await reading
    } catch (error) {
      const isRefusal = error instanceof KubeApiError && error.status === 403
      if (!isRefusal || !this.#isOneOfNamespaces) throw error
      if (!this.#refused.has(namespace)) this.#out.report({ event: 'refused', namespace, why: error.message })
      this.#refused.set(namespace, error)
      return { kind: 'lost', why: error.message, isRefused: true }
    }
  }

  /** How many of the last lines of each source the merged ones can be among. */
  #linesOfEach(): number | undefined {
    const { tail, wanted, searched } = this.#options
    if (tail === undefined) return undefined
    // One line at least: it is what following begins after.
    return wanted?.accepts === undefined || tail === 0 ? Math.max(tail, 1) : searched
  }

  /** Whether the last lines that are wanted are not the last ones of the log. */
  get #endsInThePast(): boolean {
    return this.#span.to !== undefined && !this.#options.follow
  }

  /** `range` from no earlier than it takes to have the last `lines` before the end of the span. */
  async #fromTailOn(source: LogSource, range: LogRange, lines: number | undefined): Promise<LogRange> {
    const { from, to } = this.#span
    if (!this.#endsInThePast || to === undefined || lines === undefined) return range
    const sinceTime = await searchTail(this.#context, source, range, { lines, to, from }, this.#signal)
    return { ...range, sinceTime: sinceTime ?? range.sinceTime }
  }

  #giveUp(source: LogSource, why: string): void {
    if (this.#refused.has(source.namespace)) return
    this.#lost.push(`${source.pod}: ${why}`)
    this.#report(source, { kind: 'lost', why })
  }

  #report(source: LogSource, how: RunEnd): void {
    this.#out.report({ event: 'over', source, how })
  }
}

function containerKey(podUid: string, container: string): string {
  return `${podUid}/${container}`
}

function incomplete(lost: readonly string[]): PgctlError {
  return new PgctlError('failed', 'not every log could be read', {
    why: lost.join('; '),
    next: 'run it again; what was printed is complete for all other pods',
  })
}
