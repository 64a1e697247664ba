import { type Ms, sleep } from '#core/clock.ts'
import { readStream, type StreamContext, type StreamPlan } from '#core/kube/log-stream.ts'
import type { LogRange } from '#core/kube/logs.ts'
import { ResumeCursor } from '#core/logs/cursor.ts'
import type { LogEvent } from '#core/logs/events.ts'
import {
  decide,
  decideBounded,
  describeEnd,
  type ReadingMode,
  type RunEnd,
  type StreamEnd,
} from '#core/logs/follow.ts'
import type { LogLine } from '#core/logs/line.ts'
import type { Overlap, Seam } from '#core/logs/overlap.ts'
import { type ContainerSnapshot, readableRun } from '#core/logs/pod.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** A stream that lived this long did its work, even if its container had nothing to say. */
const GOOD_LIFE: Ms = 60_000
/** Ends in good order one after another before a person is told: a container that stops looks like that at first. */
const QUIET_ENDS = 3

/** What the readers of one follow share. */
export interface ReaderContext extends StreamContext {
  readonly namespace: string
  readonly chance: () => number
  /** The container's newest status; undefined when its pod is gone. */
  statusOf(source: LogSource): ContainerSnapshot | undefined
  /** Calls `listener` after every change of any status, until the returned function is called. */
  onStatus(listener: () => void): () => void
  /** Takes lines; a promise says to wait before reading more. */
  accept(source: LogSource, lines: readonly LogLine[]): Promise<void> | undefined
  report(event: LogEvent): void
}

/**
 * Reads the log of one run of one container, over as many streams as that takes: first what there is, then what
 * comes. The deciding is in `core/logs/`.
 */
export class ContainerReader {
  readonly #source: LogSource
  readonly #context: ReaderContext
  #cursor = new ResumeCursor(true)
  #fruitless = 0
  #isComplete = false
  /** A stream that has to be opened again: whether a person was told, and is to be told how it went. */
  #mending: 'no' | 'silently' | 'announced' = 'no'

  constructor(source: LogSource, context: ReaderContext) {
    this.#source = source
    this.#context = context
  }

  /**
   * Reads what there is of `range`, and no further. Answers why the rest of it could not be read, or undefined.
   * `followed`: whether `follow` comes next, and meets a last line without an end again as a whole.
   */
  async readHistory(range: LogRange, followed: boolean, signal: AbortSignal): Promise<string | undefined> {
    this.#cursor = new ResumeCursor(range.tail === undefined && range.sinceSeconds === undefined)
    const over = this.#runState() === 'over'
    const rest = followed && !over ? 'again' : 'line'
    for (;;) {
      const end = await this.#read(range, rest, signal)
      const verdict = decideBounded(end, this.#fruitless, this.#context.chance())
      if (verdict.kind === 'over') {
        this.#isComplete = over && verdict.lost === undefined
        return this.#settled(verdict.lost)
      }
      this.#announce(end, verdict.after)
      await sleep(this.#context.clock, verdict.after, signal)
    }
  }

  /** Whether the run was over before its history was read, and nothing is left to follow. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Goes on from there until the run is over. `range` is what to ask for while no line has been read. */
  async follow(range: LogRange, signal: AbortSignal): Promise<RunEnd> {
    let mode: ReadingMode = this.#runState() === 'over' ? 'remainder' : 'follow'
    for (;;) {
      const follow = mode === 'follow'
      const asked = { ...range, follow, previous: mode === 'previous' }
      const end = await this.#read(asked, follow ? 'again' : 'line', signal)
      const reading = { run: this.#source.run, mode, fruitless: this.#fruitless }
      const status = this.#context.statusOf(this.#source)
      const verdict = decide(end, reading, status, this.#context.chance())
      if (verdict.kind === 'over') return this.#settled(verdict.how)
      if (verdict.mode === 'follow') this.#announce(end, verdict.after)
      mode = verdict.mode
      await sleep(this.#context.clock, verdict.after, signal)
    }
  }

  async #read(range: LogRange, rest: StreamPlan['rest'], signal: AbortSignal): Promise<StreamEnd> {
    const { clock, namespace } = this.#context
    const point = this.#cursor.resume()
    const seam = new SeamReport(point?.overlap, (seen) => this.#tellSeam(seen))
    const openedAt = clock.now().mono
    let brought = false
    const plan: StreamPlan = {
      address: { namespace, pod: this.#source.pod, container: this.#source.container },
      range: point === undefined ? range : resumed(range, point.sinceTime),
      overlap: point?.overlap,
      rest,
      take: (lines) => {
        seam.look(lines.length > 0)
        if (lines.length === 0) return undefined
        brought = true
        for (const line of lines) this.#cursor.see(line)
        return this.#context.accept(this.#source, lines)
      },
      isLast: (line) => this.#cursor.isLast(line),
      onOver: (listener) => (range.follow ? this.#onOver(listener) : () => {}),
    }
    const end = await readStream(this.#context, plan, signal)
    const fruitful = brought || clock.now().mono - openedAt > GOOD_LIFE
    this.#fruitless = fruitful ? 1 : this.#fruitless + 1
    return end
  }

  /** A stream that was opened again brings lines; or lines are missing, whatever it was opened for. */
  #tellSeam(seam: Seam): void {
    const source = this.#source
    if (this.#mending !== 'no') this.#context.report({ event: 'resumed', source, seam })
    else if (seam.kind !== 'whole') this.#context.report({ event: 'gap', source, seam })
    this.#mending = 'no'
  }

  #announce(end: StreamEnd, after: Ms): void {
    if (this.#mending === 'announced') return
    const quiet = end.kind === 'ended' && this.#fruitless < QUIET_ENDS
    this.#mending = quiet ? 'silently' : 'announced'
    if (!quiet)
      this.#context.report({ event: 'reconnecting', source: this.#source, why: describeEnd(end), after })
  }

  /** Nothing is to be mended any more. */
  #settled<T>(result: T): T {
    this.#mending = 'no'
    this.#fruitless = 0
    return result
  }

  #onOver(listener: () => void): () => void {
    const check = () => {
      if (this.#runState() !== 'running') listener()
    }
    check()
    return this.#context.onStatus(check)
  }

  #runState(): 'running' | 'over' | 'replaced' {
    const status = this.#context.statusOf(this.#source)
    const readable = status && readableRun(status)
    if (readable?.run !== this.#source.run) return 'replaced'
    return readable.over === undefined ? 'running' : 'over'
  }
}

/** Tells once how a stream fits to what was read before it: as soon as it brings a new line, or shows a hole. */
class SeamReport {
  readonly #overlap: Overlap | undefined
  #tell: ((seam: Seam) => void) | undefined

  constructor(overlap: Overlap | undefined, tell: (seam: Seam) => void) {
    this.#overlap = overlap
    this.#tell = tell
  }

  look(hasLines: boolean): void {
    const seam = this.#overlap === undefined ? ({ kind: 'whole' } as const) : this.#overlap.seam
    if (seam === undefined || (seam.kind === 'whole' && !hasLines)) return
    this.#tell?.(seam)
    this.#tell = undefined
  }
}

/** What was asked for at first, from another beginning. */
function resumed(range: LogRange, sinceTime: string): LogRange {
  return { ...range, tail: undefined, sinceSeconds: undefined, sinceTime }
}
