import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import type { KubeClient } from '#core/kube/client.ts'
import { ContainerReader, type ReaderContext } from '#core/kube/container-reader.ts'
import { LogOutlet } from '#core/kube/log-outlet.ts'
import type { LogSelection } from '#core/kube/log-selection.ts'
import type { LogRange } from '#core/kube/logs.ts'
import { OpenGate } from '#core/kube/open-gate.ts'
import { StreamPlaces } from '#core/kube/stream-places.ts'
import { WatchedPods } from '#core/kube/watched-pods.ts'
import type { Wanted } from '#core/logs/choice.ts'
import type { LogEvent } from '#core/logs/events.ts'
import type { LogLoss } from '#core/logs/follow.ts'
import { LogFunnel } from '#core/logs/funnel.ts'
import { stampAt } from '#core/logs/moment.ts'
import type { LogSource, SourceChange } from '#core/logs/sources.ts'
import { SPAN_SLACK_SECONDS, type Span, sinceTimeOf } from '#core/logs/span.ts'
import { previousRun } from '#core/logs/stitch.ts'

/** Which part of the logs, and whether they go on. */
export interface FollowOptions {
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
  /** Which containers are read, by their names; all are if undefined. */
  readonly wantsContainer?: ((name: string) => boolean) | undefined
  /** How many of the last lines of each source are looked at for a filter; all are if undefined. */
  readonly searched?: number | undefined
}

/** Streams that are opened at once: three waves for the 300 pods of a large service, also where a round trip is long. */
const OPENING = 100
/** Logs that are followed at once: each is a connection of its own through the tunnel. */
const FOLLOWED = 500
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

class LogFollower {
  readonly #options: FollowOptions
  readonly #signal: AbortSignal
  readonly #clock: Clock
  readonly #context: ReaderContext
  readonly #pods: WatchedPods
  /** The newest run of each container being read; gives its reader when it is through. */
  readonly #newest = new Map<string, Promise<ContainerReader>>()
  readonly #claimed = new Set<string>()
  readonly #tasks = new Set<Promise<unknown>>()
  readonly #lost: string[] = []
  /** Runs of now whose run before is shown as well, by the former. */
  readonly #before = new Map<LogSource, LogSource>()
  readonly #past = new Set<LogSource>()
  readonly #refused = new Map<string, KubeApiError>()
  #isOneOfNamespaces = false
  readonly #span: Span
  /** Aborts at the end of the span. */
  readonly #until = new AbortController()
  readonly #places: StreamPlaces
  readonly #followed = new Set<Promise<unknown>>()
  #outlet: LogOutlet | undefined

  constructor(
    client: KubeClient,
    options: FollowOptions,
    clock: Clock,
    chance: () => number,
    signal: AbortSignal,
  ) {
    this.#options = options
    this.#clock = clock
    this.#signal = signal
    this.#span = options.span ?? {}
    this.#places = new StreamPlaces(options.maxStreams ?? FOLLOWED, clock, (event) => this.#out.report(event))
    this.#pods = new WatchedPods(client, clock, chance, signal)
    this.#context = {
      client,
      clock,
      chance,
      span: this.#span,
      until: this.#until.signal,
      gate: new OpenGate(OPENING, clock),
      statusOf: (source) => this.#pods.statusOf(source),
      onStatus: (listener) => this.#pods.onStatus(listener),
      accept: (source, lines) => this.#out.accept(source, lines),
      report: (event) => this.#out.report(event),
    }
  }

  /** Looks up the pods and starts to read. */
  async start(selections: readonly LogSelection[]): Promise<void> {
    this.#isOneOfNamespaces = new Set(selections.map(({ namespace }) => namespace)).size > 1
    const changes = await this.#pods.lookUp(selections, this.#options.wantsContainer ?? (() => true))
    const joined = changes.flatMap((change) =>
      change.kind === 'joined' && this.#claim(change) ? [change.source] : [],
    )
    const sources = this.#options.previous
      ? this.#withPreviousRun(joined, selections)
      : joined.flatMap((source) => this.#stitched(source))
    this.#outlet = new LogOutlet(
      new LogFunnel(sources, this.#options.tail, this.#options.wanted),
      this.#clock,
    )
    for (const [source, before] of this.#before)
      this.#out.divide(before, source, {
        event: 'restarted',
        source,
        end: this.#pods.statusOf(source)?.previous,
      })
    for (const { namespace, service } of this.#pods.empty)
      this.#out.report({ event: 'empty', namespace, service })
    for (const change of changes) if (change.kind !== 'joined') this.#tell(change)
    void this.#run(this.#readAll(sources))
  }

  events(): AsyncGenerator<readonly LogEvent[]> {
    return this.#out.batches()
  }

  /** Everything that was started has ended; the signal must have been aborted, or the events ended. */
  async stopped(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks)
    await this.#pods.stop()
  }

  get #out(): LogOutlet {
    if (this.#outlet === undefined) throw new Error('nothing is read before the pods are known')
    return this.#outlet
  }

  /** A source, and before it the run that it follows upon, where that one is within what is asked for. */
  #stitched(source: LogSource): LogSource[] {
    const { tail, sinceSeconds } = this.#options
    if (tail === 0) return [source]
    const now = this.#clock.now().wall
    const since = sinceSeconds === undefined ? this.#span.from : stampAt(now - sinceSeconds * 1_000)
    const before = previousRun(source, this.#pods.statusOf(source), since)
    if (before === undefined) return [source]
    this.#before.set(source, before)
    this.#past.add(before)
    return [before, source]
  }

  /** All history first, as its order is only known when all of it is there; then everything live at once. */
  async #readAll(sources: readonly LogSource[]): Promise<void> {
    const readers = await Promise.all(sources.map((source) => this.#readHistory(source)))
    if (this.#options.follow) {
      for (const { source, reader, range } of readers)
        if (!reader.isComplete && !this.#past.has(source) && !this.#refused.has(source.namespace))
          this.#follow(source, range, () => reader)
      const news = {
        onChange: (change: SourceChange) => this.#tell(change),
        onInterruption: (why: string) => this.#out.report({ event: 'unwatched', why }),
      }
      for (const watching of this.#pods.follow(news)) void this.#run(watching)
      if (this.#span.to !== undefined) void this.#run(this.#endAt(Date.parse(this.#span.to)))
    } else if (this.#refused.size > 0) this.#out.fail([...this.#refused.values()][0])
    else if (this.#lost.length > 0) this.#out.fail(incomplete(this.#lost))
    else this.#out.close()
  }

  /** Gives the reader, and the range to ask for when it goes on without having read anything. */
  async #readHistory(
    source: LogSource,
  ): Promise<{ source: LogSource; reader: ContainerReader; range: LogRange }> {
    const { follow, sinceSeconds } = this.#options
    const isPast = this.#past.has(source)
    const previous = this.#options.previous || isPast
    const reader = new ContainerReader(source, this.#context)
    this.#out.opened()
    const range: LogRange = { sinceSeconds, sinceTime: sinceTimeOf(this.#span), previous }
    // One line at least: it is what following begins after.
    const asked = { ...range, tail: this.#tailOfEach() }
    const lost = await this.#orRefused(source, reader.readHistory(asked, follow && !isPast, this.#signal))
    this.#out.endHistory(source)
    if (lost?.isRefused && isPast) this.#out.report({ event: 'over', source, how: { kind: 'unchecked' } })
    else if (lost !== undefined && (!follow || isPast)) this.#giveUp(source, lost.why)
    else if (this.#options.previous) {
      const end = this.#pods.statusOf(source)?.previous
      this.#out.report({ event: 'over', source, how: { kind: 'whole', end } })
    }
    // A log without lines will have new ones only; of one that could not be read, the past is still unknown.
    return { source, reader, range: lost === undefined ? range : asked }
  }

  /** Of several namespaces, one whose logs may not be read spoils nothing for the others. */
  async #orRefused(
    { namespace }: LogSource,
    reading: Promise<LogLoss | undefined>,
  ): Promise<LogLoss | undefined> {
    try {
      return await reading
    } catch (error) {
      const isRefusal = error instanceof KubeApiError && error.status === 403
      if (!isRefusal || !this.#isOneOfNamespaces) throw error
      if (!this.#refused.has(namespace)) this.#out.report({ event: 'refused', namespace, why: error.message })
      this.#refused.set(namespace, error)
      return { why: error.message, isRefused: true }
    }
  }

  /** How many of the last lines of each source the merged ones can be among. */
  #tailOfEach(): number | undefined {
    const { tail, wanted, searched, follow } = this.#options
    // Lines past the end of the span are no part of what is counted, and nobody knows how many there are.
    if (tail === undefined || (this.#span.to !== undefined && !follow)) return undefined
    return wanted?.accepts === undefined || tail === 0 ? Math.max(tail, 1) : searched
  }

  #giveUp(source: LogSource, why: string): void {
    if (this.#refused.has(source.namespace)) return
    this.#lost.push(`${source.pod}: ${why}`)
    this.#out.report({ event: 'over', source, how: { kind: 'lost', why } })
  }

  #tell(change: SourceChange): void {
    switch (change.kind) {
      case 'joined':
        if (this.#claim(change)) this.#join(change)
        break
      case 'waiting':
        this.#out.report({ event: 'waiting', ...nameOf(change), why: change.why })
        break
      case 'left':
        this.#out.report({ event: 'left', ...nameOf(change) })
        this.#forget(change.podUid)
        break
    }
  }

  #forget(podUid: string): void {
    for (const key of this.#newest.keys())
      if (key.startsWith(containerKey(podUid, ''))) this.#newest.delete(key)
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
    while (this.#followed.size > 0) await Promise.all(this.#followed)
    this.#out.close()
  }

  /** A run that came later: its lines come after the last ones of the run before it. */
  #join({ source, replaces }: Joined): void {
    if (this.#until.signal.aborted || this.#refused.has(source.namespace)) return
    this.#follow(source, {}, (before) => {
      if (replaces === undefined) this.#out.report({ event: 'joined', source })
      else this.#out.reportInTurn({ event: 'restarted', source, end: replaces }, source)
      this.#out.opened()
      return new ContainerReader(source, this.#context, before?.candidate)
    })
  }

  /** Reads a run to its end, once the run before it is; `range` is asked for while nothing of it was read. */
  #follow(
    source: LogSource,
    range: LogRange,
    begin: (before: ContainerReader | undefined) => ContainerReader,
  ): void {
    const key = containerKey(source.podUid, source.container)
    const read = async (before: Promise<ContainerReader> | undefined) => {
      const reader = begin(await before)
      const follow = () => reader.follow(range, this.#signal)
      const how = await this.#places.hold(follow, this.#signal, this.#until.signal)
      if (how !== undefined) this.#out.reportInTurn({ event: 'over', source, how }, source)
      return reader
    }
    const done = read(this.#newest.get(key))
    this.#newest.set(key, done)
    this.#followed.add(done)
    void this.#run(done).then(() => this.#followed.delete(done))
  }

  /** Watches over a task, whose failure is the failure of all; never rejects. */
  async #run(task: Promise<unknown>): Promise<void> {
    this.#tasks.add(task)
    try {
      await task
    } catch (error) {
      this.#out.fail(error)
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

function containerKey(podUid: string, container: string): string {
  return `${podUid}/${container}`
}

function incomplete(lost: readonly string[]): PgctlError {
  return new PgctlError('failed', 'not every log could be read', {
    why: lost.join('; '),
    next: 'run it again; what was printed is complete for all other pods',
  })
}
