import { type Ms, sleep } from '#core/clock.ts'
import { readStream, type StreamContext, type StreamPlan } from '#core/kube/log-stream.ts'
import type { LogRange } from '#core/kube/logs.ts'
import { SeamNotices } from '#core/kube/seam-notices.ts'
import type { ResumeCursor } from '#core/logs/cursor.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { decide, decideBounded, type ReadingMode, type RunEnd, type StreamEnd } from '#core/logs/follow.ts'
import type { LogLine } from '#core/logs/line.ts'
import { type ContainerSnapshot, type ReadableRun, readableRun } from '#core/logs/pod.ts'
import { RunPlace } from '#core/logs/run-place.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** A stream that lived this long did its work, even if its container had nothing to say. */
const GOOD_LIFE: Ms = 60_000

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

/** A place in the log of a run that its own reader will go on from. */
export interface Succession {
  readonly run: string
  readonly cursor: ResumeCursor
}

/**
 * Reads the log of one run of one container, over as many streams as that takes: first what there is, then what
 * comes. The deciding is in `core/logs/`.
 */
export class ContainerReader {
  readonly #source: LogSource
  readonly #context: ReaderContext
  readonly #notices: SeamNotices
  #place: RunPlace
  #fruitless = 0
  #isComplete = false
  #succession: Succession | undefined

  /** With `cursor`, an earlier reader has begun to read this run's log already. */
  constructor(source: LogSource, context: ReaderContext, cursor?: ResumeCursor) {
    this.#source = source
    this.#context = context
    this.#place = new RunPlace(true, cursor)
    this.#notices = new SeamNotices(source, context.clock, context.report)
  }

  /** What was read of the next run's log by mistake; its reader has to go on from there. */
  get succession(): Succession | undefined {
    return this.#succession
  }

  /** Whether the run was over before its history was read, and nothing is left to follow. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /**
   * Reads what there is of `range`, and no further. Answers why the rest of it could not be read, or undefined.
   * `followed`: whether `follow` comes next, and meets a last line without an end again as a whole.
   */
  async readHistory(range: LogRange, followed: boolean, signal: AbortSignal): Promise<string | undefined> {
    this.#place = new RunPlace(range.tail === undefined && range.sinceSeconds === undefined)
    const over = this.#readable()?.over !== undefined
    try {
      for (;;) {
        const end = await this.#read(range, followed && !over ? 'again' : 'line', undefined, signal)
        const verdict = decideBounded(end, this.#fruitless, this.#context.chance())
        if (verdict.kind === 'over') {
          this.#isComplete = over && verdict.lost === undefined
          this.#fruitless = 0
          return verdict.lost
        }
        this.#notices.ended(end, this.#fruitless, verdict.after)
        await sleep(this.#context.clock, verdict.after, signal)
      }
    } finally {
      this.#notices.settle()
    }
  }

  /** Goes on from there until the run is over. `range` is what to ask for while no line has been read. */
  async follow(range: LogRange, signal: AbortSignal): Promise<RunEnd> {
    let mode: ReadingMode = this.#runState() === 'over' ? 'remainder' : 'follow'
    try {
      for (;;) {
        const asked = { ...range, follow: mode === 'follow', previous: mode === 'previous' }
        const end = await this.#read(
          asked,
          mode === 'follow' ? 'again' : 'line',
          this.#endOfRun(mode),
          signal,
        )
        if (this.#runState() === 'replaced') this.#handOver()
        if (!this.#place.isWanted) return { kind: 'unchecked' }
        const reading = { run: this.#source.run, mode, fruitless: this.#fruitless }
        const status = this.#context.statusOf(this.#source)
        const verdict = decide(end, reading, status, this.#context.chance())
        if (verdict.kind === 'over') return verdict.how
        if (verdict.mode === 'follow') this.#notices.ended(end, this.#fruitless, verdict.after)
        mode = verdict.mode
        await sleep(this.#context.clock, verdict.after, signal)
      }
    } finally {
      this.#notices.settle()
    }
  }

  async #read(
    range: LogRange,
    rest: StreamPlan['rest'],
    notAfter: Ms | undefined,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    const { clock, namespace } = this.#context
    const point = this.#place.cursor.resume()
    const openedAt = clock.now().mono
    let brought = false
    let seamPassed = point === undefined
    const plan: StreamPlan = {
      address: { namespace, pod: this.#source.pod, container: this.#source.container },
      range: point === undefined ? range : resumed(range, point.sinceTime),
      overlap: point?.overlap,
      rest,
      notAfter,
      take: (lines) => {
        const seam = point === undefined ? ({ kind: 'whole' } as const) : point.overlap.seam
        if (!seamPassed && seam?.kind === 'gap') this.#place.beginFile()
        seamPassed ||= seam !== undefined
        if (seam !== undefined) this.#notices.passed(seam, lines.length > 0)
        if (lines.length === 0) return undefined
        brought = true
        for (const line of lines) this.#place.cursor.see(line)
        return this.#context.accept(this.#source, lines)
      },
      isLast: (line) => this.#place.cursor.isLast(line),
      onOver: (told) => (range.follow ? this.#onOver(told) : () => {}),
    }
    const end = await readStream(this.#context, plan, signal)
    const fruitful = brought || clock.now().mono - openedAt > GOOD_LIFE
    this.#fruitless = fruitful ? 1 : this.#fruitless + 1
    return end
  }

  /** Lines after it are another run's; known only of a run that is over. */
  #endOfRun(mode: ReadingMode): Ms | undefined {
    if (mode === 'follow') return undefined
    const status = this.#context.statusOf(this.#source)
    return mode === 'previous' ? status?.previous?.endedAt : this.#readable()?.over?.endedAt
  }

  #handOver(): void {
    const next = this.#readable()
    const cursor = this.#place.handOver(next?.startedAt)
    if (next === undefined || cursor === undefined) return
    this.#succession = { run: next.run, cursor }
    this.#notices.forget()
  }

  /** Tells when the run is over, and when what is being read is the next run's log already. */
  #onOver(told: (how: 'over' | 'replaced') => void): () => void {
    const check = () => {
      const state = this.#runState()
      if (state === 'running') return
      told(state === 'replaced' && this.#place.isOf(this.#readable()?.startedAt) ? 'replaced' : 'over')
    }
    check()
    return this.#context.onStatus(check)
  }

  #runState(): 'running' | 'over' | 'replaced' {
    const readable = this.#readable()
    if (readable?.run !== this.#source.run) return 'replaced'
    return readable.over === undefined ? 'running' : 'over'
  }

  #readable(): ReadableRun | undefined {
    const status = this.#context.statusOf(this.#source)
    return status && readableRun(status)
  }
}

/** What was asked for at first, from another beginning. */
function resumed(range: LogRange, sinceTime: string): LogRange {
  return { ...range, tail: undefined, sinceSeconds: undefined, sinceTime }
}
