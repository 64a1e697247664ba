import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { ContainerReader, type ReaderContext } from '#core/kube/container-reader.ts'
import { LogOutlet } from '#core/kube/log-outlet.ts'
import type { LogSelection } from '#core/kube/log-selection.ts'
import { OpenGate } from '#core/kube/open-gate.ts'
import { type ReadingOptions, RunReadings } from '#core/kube/run-readings.ts'
import { WatchedPods } from '#core/kube/watched-pods.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { LogFunnel } from '#core/logs/funnel.ts'
import { stampAt } from '#core/logs/moment.ts'
import type { LogSource, SourceChange } from '#core/logs/sources.ts'
import { SPAN_SLACK_SECONDS } from '#core/logs/span.ts'
import { previousRun } from '#core/logs/stitch.ts'

/** Which part of the logs, and whether they go on. */
export interface FollowOptions extends ReadingOptions {
  /** Which containers are read, by their names; all are if undefined. */
  readonly wantsContainer?: ((name: string) => boolean) | undefined
}

/** Streams that are opened at once: three waves for the 300 pods of a large service, also where a round trip is long. */
const OPENING = 100
/** A wait for a moment of the wall clock is looked at again so often, as that clock may jump. */
const LOOK_AGAIN: Ms = 60_000

/**
 * The logs of services, in the order of time, as batches of events: the history of all pods merged completely, and
 * then, if they are followed, live lines ordered within a window, from pods that come and go.
 *
 * Reading slowly holds the cluster back; nothing is dropped. Ends by itself only when nothing is followed, or at the
 * end of the span.
 *
 * @throws PgctlError when the cluster refuses for good; and, without `follow`, after everything else was given, when
 * the log of some container could not be read to its end.
 */
export async function* followLogs(
  client: KubeClient,
  selections: readonly LogSelection[],
  options: FollowOptions,
  signal: AbortSignal,
  clock: Clock = systemClock,
  chance: () => number = Math.random,
): AsyncGenerator<readonly LogEvent[]> {
  const ending = new AbortController()
  const follower = new LogFollower(client, options, clock, chance, AbortSignal.any([signal, ending.signal]))
  try {
    await follower.start(selections)
    yield* follower.events()
  } finally {
    ending.abort(signal.reason ?? new PgctlError('interrupted', 'nobody reads the logs any longer'))
    await follower.stopped()
  }
}

type Joined = Extract<SourceChange, { kind: 'joined' }>

/** What is there once the pods are known. */
interface Begun {
  readonly out: LogOutlet
  readonly context: ReaderContext
  readonly readings: RunReadings
}

/** Which runs are read, and in which order they follow upon each other; the reading is `run-readings.ts`. */
class LogFollower {
  readonly #options: FollowOptions
  readonly #signal: AbortSignal
  readonly #client: KubeClient
  readonly #clock: Clock
  readonly #chance: () => number
  readonly #pods: WatchedPods
  readonly #claimed = new Set<string>()
  readonly #tasks = new Set<Promise<unknown>>()
  /** Runs of now whose run before is shown as well, by the former. */
  readonly #before = new Map<LogSource, LogSource>()
  readonly #past = new Set<LogSource>()
  /** Aborts at the end of the span. */
  readonly #until = new AbortController()
  #begun: Begun | undefined

  constructor(
    client: KubeClient,
    options: FollowOptions,
    clock: Clock,
    chance: () => number,
    signal: AbortSignal,
  ) {
    this.#options = options
    this.#client = client
    this.#clock = clock
    this.#chance = chance
    this.#signal = signal
    this.#pods = new WatchedPods(client, clock, chance, signal)
  }

  /** Looks up the pods and starts to read. */
  async start(selections: readonly LogSelection[]): Promise<void> {
    const changes = await this.#pods.lookUp(selections, this.#options.wantsContainer ?? (() => true))
    const joined = changes.flatMap((change) =>
      change.kind === 'joined' && this.#claim(change) ? [change.source] : [],
    )
    const sources = this.#options.previous
      ? this.#withPreviousRun(joined, selections)
      : joined.flatMap((source) => this.#stitched(source))
    this.#begun = this.#begin(sources, selections)
    const { out } = this.#begun
    for (const [source, before] of this.#before)
      out.divide(before, source, { event: 'restarted', source, end: this.#pods.statusOf(source)?.previous })
    for (const { namespace, service } of this.#pods.empty) out.report({ event: 'empty', namespace, service })
    for (const change of changes) if (change.kind !== 'joined') this.#tell(change)
    void this.#run(this.#readAll(sources))
  }

  events(): AsyncGenerator<readonly LogEvent[]> {
    return this.#parts.out.batches()
  }

  /** Everything that was started has ended; the signal must have been aborted, or the events ended. */
  async stopped(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks)
    await this.#pods.stop()
  }

  get #parts(): Begun {
    if (this.#begun === undefined) throw new Error('nothing is read before the pods are known')
    return this.#begun
  }

  #begin(sources: readonly LogSource[], selections: readonly LogSelection[]): Begun {
    const { tail, wanted, span = {} } = this.#options
    const out = new LogOutlet(new LogFunnel(sources, tail, wanted), this.#clock)
    const context: ReaderContext = {
      client: this.#client,
      clock: this.#clock,
      chance: this.#chance,
      span,
      until: this.#until.signal,
      gate: new OpenGate(OPENING, this.#clock),
      statusOf: (source) => this.#pods.statusOf(source),
      onStatus: (listener) => this.#pods.onStatus(listener),
      accept: (source, lines) => out.accept(source, lines),
      rewind: (source) => out.rewind(source),
      report: (event) => out.report(event),
      doubt: (source, seams) => out.doubt(source, seams),
    }
    const isOneOfNamespaces = new Set(selections.map(({ namespace }) => namespace)).size > 1
    const readings = new RunReadings(this.#options, context, out, isOneOfNamespaces, this.#signal)
    return { out, context, readings }
  }

  /** A source, and before it the run that it follows upon, where that one is within what is asked for. */
  #stitched(source: LogSource): LogSource[] {
    const { tail, sinceSeconds, span } = this.#options
    if (tail === 0) return [source]
    const now = this.#clock.now().wall
    const since = sinceSeconds === undefined ? span?.from : stampAt(now - sinceSeconds * 1_000)
    const before = previousRun(source, this.#pods.statusOf(source), since)
    if (before === undefined) return [source]
    this.#before.set(source, before)
    this.#past.add(before)
    return [before, source]
  }

  /** All history first, as its order is only known when all of it is there; then everything live at once. */
  async #readAll(sources: readonly LogSource[]): Promise<void> {
    const { out, readings } = this.#parts
    const { follow, span } = this.#options
    const read = await Promise.all(
      sources.map((source) => readings.readHistory(source, this.#past.has(source))),
    )
    if (follow) {
      for (const { source, reader, range } of read)
        if (!reader.isComplete && !this.#past.has(source) && !readings.isRefused(source.namespace))
          void this.#run(readings.follow(source, range, () => reader))
      const news = {
        onChange: (change: SourceChange) => this.#tell(change),
        onInterruption: (why: string) => out.report({ event: 'unwatched', why }),
      }
      for (const watching of this.#pods.follow(news)) void this.#run(watching)
      if (span?.to !== undefined) void this.#run(this.#endAt(Date.parse(span.to)))
    } else if (readings.failure !== undefined) out.fail(readings.failure)
    else out.close()
  }

  #tell(change: SourceChange): void {
    const { out, readings } = this.#parts
    switch (change.kind) {
      case 'joined':
        if (this.#claim(change)) this.#join(change)
        break
      case 'waiting':
        out.report({ event: 'waiting', ...nameOf(change), why: change.why })
        break
      case 'left':
        out.report({ event: 'left', ...nameOf(change) })
        readings.forget(change.podUid)
        break
    }
  }

  /** Two services may choose the same pod; the first of them shows its lines. */
  #claim({ source: { podUid, container, run } }: Joined): boolean {
    const key = `${podUid}/${container}/${run}`
    if (this.#claimed.has(key)) return false
    this.#claimed.add(key)
    return true
  }

  #withPreviousRun(sources: readonly LogSource[], selections: readonly LogSelection[]): LogSource[] {
    const restarted = sources.filter((source) => this.#pods.statusOf(source)?.previous !== undefined)
    if (restarted.length > 0) return restarted
    throw new PgctlError(
      'failed',
      `no container of ${selections.map(({ service }) => service).join(', ')} has a previous run`,
      {
        why: 'none of them has been restarted, as far as the cluster remembers',
        next: 'leave out --previous to see the runs of now',
      },
    )
  }

  /** Ends the follow at a moment of the wall clock, when all that was written by then is there. */
  async #endAt(wall: Ms): Promise<void> {
    const last = wall + SPAN_SLACK_SECONDS * 1_000
    for (let left = last - this.#clock.now().wall; left > 0; left = last - this.#clock.now().wall)
      await sleep(this.#clock, Math.min(left, LOOK_AGAIN), this.#signal)
    this.#until.abort(new PgctlError('interrupted', 'the end of the span has come'))
    const { out, readings } = this.#parts
    await readings.followedToEnd()
    out.close()
  }

  /** A run that came later: its lines come after the last ones of the run before it. */
  #join({ source, replaces }: Joined): void {
    const { out, context, readings } = this.#parts
    if (this.#until.signal.aborted || readings.isRefused(source.namespace)) return
    const begin = (before: ContainerReader | undefined) => {
      if (replaces === undefined) out.report({ event: 'joined', source })
      else out.reportInTurn({ event: 'restarted', source, end: replaces }, source)
      out.opened()
      return new ContainerReader(source, context, before?.candidate)
    }
    void this.#run(readings.follow(source, {}, begin))
  }

  /** Watches over a task, whose failure is the failure of all; never rejects. */
  async #run(task: Promise<unknown>): Promise<void> {
    this.#tasks.add(task)
    try {
      await task
    } catch (error) {
      this.#parts.out.fail(error)
    } finally {
      this.#tasks.delete(task)
    }
  }
}

function nameOf({ namespace, service, pod }: Exclude<SourceChange, { kind: 'joined' }>): {
  readonly namespace: string
  readonly service: string
  readonly pod: string
} {
  return { namespace, service, pod }
}
