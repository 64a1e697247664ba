import { type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { askNewest, readStream, type StreamContext, type StreamPlan } from '#core/kube/log-stream.ts'
import type { LogRange } from '#core/kube/logs.ts'
import { SeamNotices } from '#core/kube/seam-notices.ts'
import type { ResumeCursor } from '#core/logs/cursor.ts'
import type { LogEvent } from '#core/logs/events.ts'
import { decide, type ReadingMode, type RunEnd, type StreamEnd } from '#core/logs/follow.ts'
import { HistoryCheck, type HistoryEnd, type ReadSoFar } from '#core/logs/history-end.ts'
import type { LogLine } from '#core/logs/line.ts'
import type { BadSeam, Overlap, Seam } from '#core/logs/overlap.ts'
import { type ContainerSnapshot, readableRun } from '#core/logs/pod.ts'
import { RunPlace } from '#core/logs/run-place.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { type Span, SpanCut } from '#core/logs/span.ts'
import { SPLIT_FROM } from '#core/logs/split-line.ts'

/** A stream that lived this long did its work, even if its container had nothing to say. */
const GOOD_LIFE: Ms = 60_000
/** How long a cluster takes to tell that a container was restarted. */
const RESTART_TOLD: Ms = 3_000
/** So often a remainder that does not fit is taken for another run's log, and its status waited for. */
const MISFIT_TRIES = 4

/** What the readers of one follow share. */
export interface ReaderContext extends StreamContext {
  readonly chance: () => number
  /** What of the logs is wanted. */
  readonly span: Span
  /** Aborts when nothing that is written from now on is wanted any longer. */
  readonly until: AbortSignal
  /** The container's newest status; undefined when its pod is gone. */
  statusOf(source: LogSource): ContainerSnapshot | undefined
  /** Calls `listener` after every change of any status, until the returned function is called. */
  onStatus(listener: () => void): () => void
  /** Takes lines; a promise says to wait before reading more. */
  accept(source: LogSource, lines: readonly LogLine[]): Promise<void> | undefined
  /** What is accepted next was written before what was accepted last. */
  rewind(source: LogSource): void
  report(event: LogEvent): void
  /** Names everything of a source that may turn out to be a hole; nothing when all is clear. */
  doubt(source: LogSource, seams: readonly BadSeam[]): void
}

/**
 * Reads the log of one run of one container, over as many streams as that takes: first what there is, then what
 * comes. The deciding is in `core/logs/`.
 */
export class ContainerReader {
  readonly #source: LogSource
  readonly #context: ReaderContext
  readonly #notices: SeamNotices
  readonly #cut: SpanCut
  #isHistory = false
  #place: RunPlace
  /** Whether the place may be one that the reader of the run before has left. */
  #unproven: boolean
  #foreign: ResumeCursor | undefined
  #confirmed = false
  #fruitless = 0
  /** Characters of the line last read: each is one to three bytes. */
  #lastLength = 0
  #lastEnd: StreamEnd | undefined
  #isComplete = false

  /** `candidate`: the place that the reader of the run before has left, which may be in this run's log. */
  constructor(source: LogSource, context: ReaderContext, candidate?: ResumeCursor) {
    this.#source = source
    this.#context = context
    this.#place = new RunPlace(true, candidate)
    this.#unproven = candidate !== undefined
    this.#cut = new SpanCut(context.span)
    this.#notices = new SeamNotices(source, context)
  }

  /** What may have been read of the next run's log by mistake; undefined when it was not. */
  get candidate(): ResumeCursor | undefined {
    return this.#foreign ?? (this.#confirmed ? undefined : this.#place.cursor)
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
    this.#place = new RunPlace(tail === undefined && sinceSeconds === undefined && sinceTime === undefined)
    this.#isHistory = true
    const over = this.#runState() === 'over'
    try {
      const how = await this.#readBounded(range, followed && !over, signal)
      this.#isComplete = over && how.kind !== 'lost'
      return how
    } finally {
      this.#isHistory = false
      this.#lastEnd = undefined
      this.#notices.settle(signal.aborted)
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
      this.#notices.settle(signal.aborted)
    }
  }

  /** Reads to the present end of the log; `followed` as of `readHistory`. */
  async #readBounded(range: LogRange, followed: boolean, signal: AbortSignal): Promise<HistoryEnd> {
    const { clock, chance } = this.#context
    const check = new HistoryCheck(followed)
    for (let isFirst = true; ; isFirst = false) {
      const end = await this.#read(range, { rest: this.#restIn('remainder'), log: 'current' }, signal)
      this.#lastEnd = end
      const read = this.#readSoFar(isFirst ? range.tail : undefined)
      let step = check.afterStream(end, read, chance())
      if (step.kind === 'ask')
        step = check.afterAnswer(await askNewest(this.#context, this.#source, range, signal), read, chance())
      if (step.kind === 'over') return step.how
      if (step.kind === 'ask') continue
      if (step.failure !== undefined)
        this.#notices.ended(step.failure, this.#fruitless, step.after, this.#place.cursor.last)
      await sleep(clock, step.after, signal)
    }
  }

  /** `asked`: for how many of the last lines the log was asked; more than that is not missing. */
  #readSoFar(asked: number | undefined): ReadSoFar {
    const { cursor } = this.#place
    return {
      fruitless: this.#fruitless,
      hasLines: cursor.count > 0,
      isEnough: this.#cut.isPast || (asked !== undefined && cursor.count >= asked),
      mayBeSplit: this.#lastLength * 3 >= SPLIT_FROM,
      isLast: (line) => cursor.isLast(line),
      hasSeen: (line) => cursor.hasSeen(line),
    }
  }

  async #followOn(range: LogRange, signal: AbortSignal): Promise<RunEnd | undefined> {
    let mode: ReadingMode = 'follow'
    for (;;) {
      mode = this.#modeNow(mode)
      const end = await this.#readInMode(range, mode, signal)
      if (end === 'misfit') {
        if (!this.#place.isWanted) return { kind: 'unchecked' }
        continue
      }
      if (this.#cut.isPast) return undefined
      const endedBefore = this.#lastEnd?.kind === 'ended'
      this.#lastEnd = end
      const reading = { run: this.#source.run, mode, fruitless: this.#fruitless, endedBefore }
      const status = this.#context.statusOf(this.#source)
      const verdict = decide(end, reading, status, this.#context.chance())
      if (verdict.kind === 'over') return verdict.how
      if (verdict.mode === 'follow')
        this.#notices.ended(end, this.#fruitless, verdict.after, this.#place.cursor.last)
      mode = verdict.mode
      await sleep(this.#context.clock, verdict.after, signal)
    }
  }

  async #readInMode(range: LogRange, mode: ReadingMode, signal: AbortSignal): Promise<StreamEnd | 'misfit'> {
    const asked = { ...range, follow: mode === 'follow', previous: mode === 'previous' }
    const isOwn = mode === 'previous' || this.#unproven
    const doubtful = mode === 'remainder' && this.#fruitless < MISFIT_TRIES
    const log = isOwn ? 'own' : doubtful ? 'doubtful' : 'current'
    try {
      return await this.#read(asked, { rest: this.#restIn(mode), log }, signal)
    } catch (error) {
      if (error !== MISFIT) throw error
      this.#notices.forget()
      this.#context.rewind(this.#source)
      this.#unproven = false
      const foreign = this.#place.goBack()
      this.#foreign ??= foreign
      return 'misfit'
    }
  }

  /** An unfinished line is the last one of a run that is over, once it has ended so twice. */
  #restIn(mode: ReadingMode): StreamPlan['rest'] {
    const unfinished = this.#lastEnd?.kind === 'ended' ? this.#lastEnd.unfinished : undefined
    return mode === 'follow' || unfinished === undefined ? 'again' : { expected: unfinished }
  }

  async #read(range: LogRange, reading: LogReading, signal: AbortSignal): Promise<StreamEnd> {
    const { clock } = this.#context
    const { namespace, pod, container } = this.#source
    const point = this.#place.cursor.resume()
    const seam = new SeamWatch(point?.overlap)
    const openedAt = clock.now().mono
    let brought = false
    const plan: StreamPlan = {
      address: { namespace, pod, container },
      range: point === undefined ? range : resumed(range, point.sinceTime),
      overlap: point?.overlap,
      rest: reading.rest,
      take: (lines) => {
        const passed = seam.passed()
        if (passed?.kind === 'gap' && reading.log === 'current') return this.#takeOther(passed, lines, signal)
        if (passed !== undefined) this.#onSeam(passed, reading.log)
        // A good fit is news with the first new line, which may come later; a hole is news at once, and once.
        const news = passed ?? (seam.known?.kind === 'whole' ? seam.known : undefined)
        if (news !== undefined) this.#notices.passed(news, lines.length > 0)
        if (lines.length > 0) brought = true
        return this.#takeOwn(lines)
      },
      isEnough: () => this.#cut.isPast,
      isLast: (line) => this.#place.cursor.isLast(line),
      onOver: (told) => (range.follow ? this.#onOver(told) : () => {}),
    }
    const end = await readStream(this.#context, plan, signal)
    if (end.kind === 'ended' && !range.follow && seam.known === undefined)
      this.#onSeam('missing', reading.log)
    const fruitful = brought || clock.now().mono - openedAt > GOOD_LIFE
    this.#fruitless = fruitful ? 1 : this.#fruitless + 1
    return end
  }

  #takeOwn(lines: readonly LogLine[]): Promise<void> | undefined {
    if (lines.length === 0) return undefined
    for (const line of lines) this.#place.cursor.see(line)
    this.#lastLength = (lines.at(-1) as LogLine).text.length
    const wanted = this.#cut.cut(lines, this.#isHistory)
    return wanted.length === 0 ? undefined : this.#context.accept(this.#source, wanted)
  }

  /**
   * Takes lines of a log that is not the one read before. Most often the container was restarted: then its status
   * says so in a moment, and the last lines of this run come first. Else the log was rotated.
   */
  async #takeOther(seam: BadSeam, lines: readonly LogLine[], signal: AbortSignal): Promise<void> {
    this.#notices.suspect(seam)
    await this.#untilNotRunning(RESTART_TOLD, signal)
    if (this.#runState() === 'replaced') throw anotherLog()
    this.#place.beginFile()
    this.#notices.passed(seam, lines.length > 0)
    await this.#takeOwn(lines)
  }

  /** The log has shown whether it is the one that was read before; `missing`: it is too short to be. */
  #onSeam(seam: Seam | 'missing', log: LogReading['log']): void {
    const fits = seam !== 'missing' && seam.kind === 'whole'
    if (log === 'own') {
      if (!fits) throw MISFIT
      this.#place.confirm()
      this.#confirmed = true
      this.#unproven = false
    } else if (log === 'doubtful' && !fits) throw anotherLog()
  }

  /** Waits until the run's status says that it is over or replaced, and at most for `limit`. */
  async #untilNotRunning(limit: Ms, signal: AbortSignal): Promise<void> {
    const told = new AbortController()
    const check = () => {
      if (this.#runState() !== 'running') told.abort()
    }
    const unsubscribe = this.#context.onStatus(check)
    check()
    try {
      await sleep(this.#context.clock, limit, AbortSignal.any([signal, told.signal]))
    } catch (error) {
      if (!told.signal.aborted) throw error
    } finally {
      unsubscribe()
    }
  }

  /** Tells when the run is over; once it is replaced, all that is left of it is in the log of the previous run. */
  #onOver(told: (how: 'over' | 'replaced') => void): () => void {
    const check = () => {
      const state = this.#runState()
      if (state !== 'running') told(state === 'replaced' ? 'replaced' : 'over')
    }
    check()
    return this.#context.onStatus(check)
  }

  /** The current log is asked for only as long as it is not known to be another run's. */
  #modeNow(mode: ReadingMode): ReadingMode {
    switch (this.#runState()) {
      case 'running':
      case 'gone':
        return mode
      case 'over':
        return 'remainder'
      case 'replaced':
        return 'previous'
    }
  }

  #runState(): 'running' | 'over' | 'replaced' | 'gone' {
    const status = this.#context.statusOf(this.#source)
    if (status === undefined) return 'gone'
    const readable = readableRun(status)
    if (readable?.run !== this.#source.run) return 'replaced'
    return readable.over === undefined ? 'running' : 'over'
  }
}

interface LogReading extends Pick<StreamPlan, 'rest'> {
  /**
   * Whose log it is: the run's `own` for certain; whichever is `current`; or the current one of a run that was over
   * a moment ago and may have been replaced since.
   */
  readonly log: 'own' | 'current' | 'doubtful'
}

/** The run's own log does not have what was read before. */
const MISFIT = new PgctlError('failed', 'what was read before is not of this log')

/** For this moment no better than a broken connection: its status will tell what it is. */
function anotherLog(): PgctlError {
  return new PgctlError('cluster-unreachable', 'the log is another one than before')
}

/** Notices when a stream has passed the seam to the one before; one that is read from the start has none. */
class SeamWatch {
  readonly #overlap: Overlap | undefined
  #told: boolean

  constructor(overlap: Overlap | undefined) {
    this.#overlap = overlap
    this.#told = overlap === undefined
  }

  get known(): Seam | undefined {
    return this.#overlap === undefined ? { kind: 'whole' } : this.#overlap.seam
  }

  /** The seam, the first time that it is known. */
  passed(): Seam | undefined {
    if (this.#told || this.known === undefined) return undefined
    this.#told = true
    return this.known
  }
}

/** What was asked for at first, from another beginning. */
function resumed(range: LogRange, sinceTime: string): LogRange {
  return { ...range, tail: undefined, sinceSeconds: undefined, sinceTime }
}
