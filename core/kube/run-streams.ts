import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { firstStamp } from '#core/kube/log-looks.ts'
import { readStream, type StreamContext, type StreamPlan } from '#core/kube/log-stream.ts'
import type { LogRange } from '#core/kube/logs.ts'
import type { RunStatus } from '#core/kube/run-status.ts'
import { SeamNotices, type SeamReport } from '#core/kube/seam-notices.ts'
import { type AnswerHead, SinceHead, TailHead } from '#core/logs/answer-head.ts'
import type { ResumeCursor } from '#core/logs/cursor.ts'
import type { ReadingMode, StreamEnd } from '#core/logs/follow.ts'
import type { ReadSoFar } from '#core/logs/history-end.ts'
import type { LogLine } from '#core/logs/line.ts'
import type { BadSeam, Overlap, Seam } from '#core/logs/overlap.ts'
import { RunPlace } from '#core/logs/run-place.ts'
import type { LogSource } from '#core/logs/sources.ts'
import { type Span, SpanCut } from '#core/logs/span.ts'
import { piecesOf } from '#core/logs/split-line.ts'

/** A stream that lived this long did its work, even if its container had nothing to say. */
const GOOD_LIFE: Ms = 60_000
/** How long a cluster takes to tell that a container was restarted. */
const RESTART_TOLD: Ms = 3_000
/** So often a remainder that does not fit is taken for another run's log, and its status waited for. */
const MISFIT_TRIES = 4
/** Where fewer whole lines come than were asked for, so many times as many records are asked for, and so often. */
const MORE_RECORDS = 8
const TAIL_TRIES = 4

/** Where lines go. */
export interface LineContext extends StreamContext, SeamReport {
  /** What of the logs is wanted. */
  readonly span: Span
  /** Takes lines; a promise says to wait before reading more. */
  accept(source: LogSource, lines: readonly LogLine[]): Promise<void> | undefined
  /** What is accepted next was written before what was accepted last. */
  rewind(source: LogSource): void
}

/**
 * The streams of one run's log, one after another, as one log: each begins where the one before was left, and what
 * comes twice is given once. Which of them to open next is not decided here.
 */
export class RunStreams {
  readonly #source: LogSource
  readonly #context: LineContext
  readonly #status: RunStatus
  readonly #cut: SpanCut
  readonly #notices: SeamNotices
  #isHistory = false
  #place: RunPlace
  /** Whether the place may be one that the reader of the run before has left. */
  #unproven: boolean
  #foreign: ResumeCursor | undefined
  #confirmed = false
  #fruitless = 0
  /** Lines that the last stream has brought, known to be whole or not. */
  #brought = 0
  /** Whether as many records have come as were asked for. */
  #hasTail = false
  /** Characters of the line last read: each is one to three bytes. */
  #lastLength = 0

  /** `candidate`: the place that the reader of the run before has left, which may be in this run's log. */
  constructor(
    source: LogSource,
    context: LineContext,
    status: RunStatus,
    candidate: ResumeCursor | undefined,
  ) {
    this.#source = source
    this.#context = context
    this.#status = status
    this.#place = new RunPlace(true, candidate)
    this.#unproven = candidate !== undefined
    this.#cut = new SpanCut(context.span)
    this.#notices = new SeamNotices(source, context)
  }

  /** What may have been read of the next run's log by mistake; undefined when it was not. */
  get candidate(): ResumeCursor | undefined {
    return this.#foreign ?? (this.#confirmed ? undefined : this.#place.cursor)
  }

  /** Streams one after another, the last included, since the last line came; 1 if it brought lines. */
  get fruitless(): number {
    return this.#fruitless
  }

  /** How many records of the log the line last read may be, at most. */
  get lastRecords(): number {
    return piecesOf(this.#lastLength * 3)
  }

  /** Whether a line past the end of what is wanted has come. */
  get isPast(): boolean {
    return this.#cut.isPast
  }

  /** Whether something of the run was read, or all of it is wanted anyway. */
  get isWanted(): boolean {
    return this.#place.isWanted
  }

  /** What is read from now on is history, from the start of the run or only from somewhere in it; until `beginLive`. */
  beginHistory(fromStart: boolean): void {
    this.#place = new RunPlace(fromStart)
    this.#isHistory = true
  }

  beginLive(): void {
    this.#isHistory = false
  }

  soFar(): ReadSoFar {
    const { cursor } = this.#place
    return {
      fruitless: this.#fruitless,
      hasLines: cursor.count > 0,
      isEnough: this.#cut.isPast || this.#hasTail,
      isLast: (line) => cursor.isLast(line),
      hasSeen: (line) => cursor.hasSeen(line),
    }
  }

  /** The stream that was read last has ended so, and another one is opened after `after`. */
  ended(end: StreamEnd, after: Ms): void {
    this.#notices.ended(end, this.#fruitless, after, this.#place.cursor.last)
  }

  /** Nothing more is read; `isCutShort`: nobody waits for a stream that is broken now. */
  settle(isCutShort: boolean): void {
    this.#notices.settle(isCutShort)
  }

  /** Reads one stream of the log that the cluster has of the container now, whichever run it is of. */
  async readCurrent(range: LogRange, rest: StreamPlan['rest'], signal: AbortSignal): Promise<StreamEnd> {
    return await this.#read(range, { rest, log: 'current' }, signal)
  }

  /** Reads one stream. `misfit`: the log was another run's, and the place in it is forgotten. */
  async readInMode(
    range: LogRange,
    mode: ReadingMode,
    rest: StreamPlan['rest'],
    signal: AbortSignal,
  ): Promise<StreamEnd | 'misfit'> {
    const asked = { ...range, follow: mode === 'follow', previous: mode === 'previous' }
    const isOwn = mode === 'previous' || this.#unproven
    const doubtful = mode === 'remainder' && this.#fruitless < MISFIT_TRIES
    const log = isOwn ? 'own' : doubtful ? 'doubtful' : 'current'
    try {
      return await this.#read(asked, { rest, log }, signal)
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

  async #read(range: LogRange, reading: LogReading, signal: AbortSignal): Promise<StreamEnd> {
    const point = this.#place.cursor.resume()
    if (point !== undefined)
      return await this.#readStream(resumed(range, point.sinceTime), reading, point, signal)
    // Whoever follows does not wait for the end of an answer to know how it began.
    if (range.tail !== undefined && !range.follow)
      return await this.#readTail(range, range.tail, reading, signal)
    if (range.sinceSeconds === undefined && range.sinceTime === undefined)
      return await this.#readStream(range, reading, {}, signal)
    const head = new SinceHead()
    const end = await this.#readStream(range, reading, { head }, signal)
    if (end.kind === 'ended' && head.state === 'held') {
      head.end()
      await this.#takeOwn(head.take())
    }
    return end
  }

  /** Reads the last `lines`: of as many records as it takes to have so many whole ones. */
  async #readTail(
    range: LogRange,
    lines: number,
    reading: LogReading,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    for (let tries = 1, tail = lines + 1; ; tries++, tail *= MORE_RECORDS) {
      const head = new TailHead(tail)
      const end = await this.#readStream({ ...range, tail }, reading, { head }, signal)
      this.#hasTail = this.#brought >= tail
      if (end.kind !== 'ended' || head.state === 'taken') return end
      head.end()
      await this.#knowHead(head, range, signal)
      if (head.dropped !== undefined && head.count < lines && tries < TAIL_TRIES) continue
      // Where there is nothing else, it tells at least where the log goes on.
      if (head.dropped !== undefined && head.count === 0) this.#place.cursor.see(head.dropped)
      await this.#takeOwn(head.take())
      return end
    }
  }

  async #readStream(
    range: LogRange,
    reading: LogReading,
    { overlap, head }: Opening,
    signal: AbortSignal,
  ): Promise<StreamEnd> {
    const { clock } = this.#context
    const { namespace, pod, container } = this.#source
    const seam = new SeamWatch(overlap)
    const openedAt = clock.now().mono
    this.#brought = 0
    const plan: StreamPlan = {
      address: { namespace, pod, container },
      range,
      overlap,
      rest: reading.rest,
      take: (lines) => {
        const passed = seam.passed()
        if (passed?.kind === 'gap' && reading.log === 'current') return this.#takeOther(passed, lines, signal)
        if (passed !== undefined) this.#onSeam(passed, reading.log)
        // A good fit is news with the first new line, which may come later; a hole is news at once, and once.
        const news = passed ?? (seam.known?.kind === 'whole' ? seam.known : undefined)
        if (news !== undefined) this.#notices.passed(news, lines.length > 0)
        this.#brought += lines.length
        if (head === undefined || head.state === 'taken') return this.#takeOwn(lines)
        head.offer(lines)
        return head.state === 'held' ? undefined : this.#takeHead(head, range, signal)
      },
      isEnough: () => this.#cut.isPast,
      lastRecords: () => this.lastRecords,
      isLast: (line) => this.#place.cursor.isLast(line),
      onOver: (told) => (range.follow ? this.#status.onOver(told) : () => {}),
    }
    const end = await readStream(this.#context, plan, signal)
    if (end.kind === 'ended' && !range.follow && seam.known === undefined)
      this.#onSeam('missing', reading.log)
    const fruitful = this.#brought > 0 || clock.now().mono - openedAt > GOOD_LIFE
    this.#fruitless = fruitful ? 1 : this.#fruitless + 1
    return end
  }

  /** Takes the beginning of an answer, of which enough is there. */
  async #takeHead(head: AnswerHead, range: LogRange, signal: AbortSignal): Promise<void> {
    await this.#knowHead(head, range, signal)
    await this.#takeOwn(head.take())
  }

  async #knowHead(head: AnswerHead, range: LogRange, signal: AbortSignal): Promise<void> {
    if (head.state === 'ask') head.settle(await firstStamp(this.#context, this.#source, range, signal))
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
    await this.#status.untilNotRunning(RESTART_TOLD, signal)
    if (this.#status.state === 'replaced') throw anotherLog()
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
}

interface LogReading extends Pick<StreamPlan, 'rest'> {
  /**
   * Whose log it is: the run's `own` for certain; whichever is `current`; or the current one of a run that was over
   * a moment ago and may have been replaced since.
   */
  readonly log: 'own' | 'current' | 'doubtful'
}

/** How a stream begins that is to be opened. */
interface Opening {
  /** What was seen and will come again. */
  readonly overlap?: Overlap
  /** What is not known to be whole. */
  readonly head?: AnswerHead
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
