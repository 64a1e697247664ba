import { sleep } from '#core/clock.ts'
import { askNewest } from '#core/kube/log-looks.ts'
import type { StreamPlan } from '#core/kube/log-stream.ts'
import type { LogRange } from '#core/kube/logs.ts'
import { RunStatus, type StatusContext } from '#core/kube/run-status.ts'
import { type LineContext, RunStreams } from '#core/kube/run-streams.ts'
import type { ResumeCursor } from '#core/logs/cursor.ts'
import { decide, type ReadingMode, type RunEnd, type StreamEnd } from '#core/logs/follow.ts'
import { HistoryCheck, type HistoryEnd } from '#core/logs/history-end.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** What the readers of one follow share. */
export interface ReaderContext extends LineContext, StatusContext {
  readonly chance: () => number
  /** Aborts when nothing that is written from now on is wanted any longer. */
  readonly until: AbortSignal
}

/**
 * Reads the log of one run of one container, over as many streams as that takes: first what there is, then what
 * comes. The deciding is in `core/logs/`.
 */
export class ContainerReader {
  readonly #source: LogSource
  readonly #context: ReaderContext
  readonly #status: RunStatus
  readonly #streams: RunStreams
  #lastEnd: StreamEnd | undefined
  #isComplete = false

  /** `candidate`: the place that the reader of the run before has left, which may be in this run's log. */
  constructor(source: LogSource, context: ReaderContext, candidate?: ResumeCursor) {
    this.#source = source
    this.#context = context
    this.#status = new RunStatus(source, context)
    this.#streams = new RunStreams(source, context, this.#status, candidate)
  }

  /** What may have been read of the next run's log by mistake; undefined when it was not. */
  get candidate(): ResumeCursor | undefined {
    return this.#streams.candidate
  }

  /** Whether the run was over before its history was read, and nothing is left to follow. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /**
   * Reads what there is of `range`, and no further. Answers whether that is all there was. `followed`: whether
   * `follow` comes next, which asks for what may be missing anyway.
   */
  async readHistory(range: LogRange, followed: boolean, signal: AbortSignal): Promise<HistoryEnd> {
    const { tail, sinceSeconds, sinceTime } = range
    this.#streams.beginHistory(tail === undefined && sinceSeconds === undefined && sinceTime === undefined)
    const over = this.#status.state === 'over'
    try {
      const how = await this.#readBounded(range, followed && !over, signal)
      this.#isComplete = over && how.kind !== 'lost'
      return how
    } finally {
      this.#streams.beginLive()
      this.#lastEnd = undefined
      this.#streams.settle(signal.aborted)
    }
  }

  /**
   * Goes on from there until the run is over, or until nothing more is wanted: then what has been written by now is
   * read to its end, and undefined is answered. `range` is what to ask for while no line has been read.
   */
  async follow(range: LogRange, signal: AbortSignal): Promise<RunEnd | undefined> {
    const { until } = this.#context
    try {
      return await this.#followOn(range, AbortSignal.any([signal, until]))
    } catch (error) {
      signal.throwIfAborted()
      if (!until.aborted) throw error
      const how = await this.#readBounded(range, false, signal)
      return how.kind === 'whole' ? undefined : how
    } finally {
      this.#streams.settle(signal.aborted)
    }
  }

  /** Reads to the present end of the log; `followed` as of `readHistory`. */
  async #readBounded(range: LogRange, followed: boolean, signal: AbortSignal): Promise<HistoryEnd> {
    const { clock, chance } = this.#context
    const check = new HistoryCheck(followed)
    for (;;) {
      const end = await this.#streams.readCurrent(range, this.#restIn('remainder'), signal)
      this.#lastEnd = end
      const read = this.#streams.soFar()
      let step = check.afterStream(end, read, chance())
      if (step.kind === 'ask') step = check.afterAnswer(await this.#askNewest(range, signal), read, chance())
      if (step.kind === 'over') return step.how
      if (step.kind === 'ask') continue
      if (step.failure !== undefined) this.#streams.ended(step.failure, step.after)
      await sleep(clock, step.after, signal)
    }
  }

  #askNewest(range: LogRange, signal: AbortSignal): ReturnType<typeof askNewest> {
    return askNewest(this.#context, this.#source, range, this.#streams.lastRecords, signal)
  }

  async #followOn(range: LogRange, signal: AbortSignal): Promise<RunEnd | undefined> {
    let mode: ReadingMode = 'follow'
    for (;;) {
      mode = this.#modeNow(mode)
      const end = await this.#streams.readInMode(range, mode, this.#restIn(mode), signal)
      if (end === 'misfit') {
        if (!this.#streams.isWanted) return { kind: 'unchecked' }
        continue
      }
      if (this.#streams.isPast) return undefined
      const endedBefore = this.#lastEnd?.kind === 'ended'
      this.#lastEnd = end
      const reading = { run: this.#source.run, mode, fruitless: this.#streams.fruitless, endedBefore }
      const status = this.#context.statusOf(this.#source)
      const verdict = decide(end, reading, status, this.#context.chance())
      if (verdict.kind === 'over') return verdict.how
      if (verdict.mode === 'follow') this.#streams.ended(end, verdict.after)
      mode = verdict.mode
      await sleep(this.#context.clock, verdict.after, signal)
    }
  }

  /** An unfinished line is the last one of a run that is over, once it has ended so twice. */
  #restIn(mode: ReadingMode): StreamPlan['rest'] {
    const unfinished = this.#lastEnd?.kind === 'ended' ? this.#lastEnd.unfinished : undefined
    return mode === 'follow' || unfinished === undefined ? 'again' : { expected: unfinished }
  }

  /** The current log is asked for only as long as it is not known to be another run's. */
  #modeNow(mode: ReadingMode): ReadingMode {
    switch (this.#status.state) {
      case 'running':
      case 'gone':
        return mode
      case 'over':
        return 'remainder'
      case 'replaced':
        return 'previous'
    }
  }
}
