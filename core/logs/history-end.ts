import type { Ms } from '#core/clock.ts'
import { BOUNDED_TRIES, describeEnd, type StreamEnd, waitForAgain } from '#core/logs/follow.ts'
import type { LogLine } from '#core/logs/line.ts'

/**
 * Whether a log that is read to its present end, and not followed, was read to that end.
 *
 * An API server that loses its kubelet in the middle of a log ends its answer in good order, as it does at the log's
 * end. So after such an end the log is asked for its newest line, which costs one line; if that was not read, the log
 * is read again from where it was left, until that line has come. Lines that a busy container writes meanwhile ask for
 * nothing more. A last line without an end was either torn or is just so; it is taken when it comes again. What was to
 * be the newest line may be missing for the same reason, so silence has to be heard twice.
 */

/** How a log ends that was to be read to its present end, and to there only. */
export type HistoryEnd =
  | { readonly kind: 'whole' }
  /** The log is gone before it could be asked whether it had more. */
  | { readonly kind: 'unchecked' }
  /** The rest of it could not be read; `isRefused`: the cluster has no such log, or none any longer. */
  | { readonly kind: 'lost'; readonly why: string; readonly isRefused: boolean }

/** Why a stream or a question has failed. */
export type Failure = Exclude<StreamEnd, { kind: 'ended' }>

/** What has been read by now. */
export interface ReadSoFar {
  /** Streams one after another, the last included, since the last line came; 1 if it brought lines. */
  readonly fruitless: number
  /** Whether there is any line. */
  readonly hasLines: boolean
  /** Whether nothing that is missing is wanted. */
  readonly isEnough: boolean
  isLast(line: LogLine): boolean
  hasSeen(line: LogLine): boolean
}

export type Step =
  | { readonly kind: 'over'; readonly how: HistoryEnd }
  /** Ask for the newest line, and go on with `afterAnswer`. */
  | { readonly kind: 'ask' }
  /** Read on after so long; `failure` is why not at once. */
  | { readonly kind: 'read'; readonly after: Ms; readonly failure: Failure | undefined }

const WHOLE: Step = { kind: 'over', how: { kind: 'whole' } }
const ASK: Step = { kind: 'ask' }
const AT_ONCE: Step = { kind: 'read', after: 0, failure: undefined }
const EARLY: Failure = { kind: 'cut', why: 'the server ended the log before its newest line' }

export class HistoryCheck {
  readonly #followed: boolean
  /** A line that was the newest when it was asked for, and had not been read. */
  #missing: LogLine | undefined
  /** Whether the question was answered by nothing: that answer, too, may have ended early. */
  #isUnanswered = false

  /** `followed`: whether the log is followed next, which brings what is missing without a question. */
  constructor(followed: boolean) {
    this.#followed = followed
  }

  /** What follows a stream; `chance` is a number in [0, 1). */
  afterStream(end: StreamEnd, read: ReadSoFar, chance: number): Step {
    if (end.kind !== 'ended') return failed(end, read, false, chance)
    if (this.#followed || read.isEnough) return WHOLE
    if (end.unfinished !== undefined)
      return read.fruitless <= 1 ? AT_ONCE : failed(EARLY, read, false, chance)
    return this.#missing !== undefined && read.hasSeen(this.#missing) ? WHOLE : ASK
  }

  /** What follows the question for the newest line; that is undefined where no line came. */
  afterAnswer(
    answer: Failure | { readonly newest: LogLine | undefined },
    read: ReadSoFar,
    chance: number,
  ): Step {
    if ('kind' in answer) return failed(answer, read, true, chance)
    const { newest } = answer
    if (newest === undefined) {
      const isAgreed = this.#isUnanswered && read.fruitless > 1
      this.#isUnanswered = true
      return isAgreed || !read.hasLines ? WHOLE : AT_ONCE
    }
    // A message of the cluster's own bears no stamp, and is no part of the log.
    if (newest.stamp === undefined || read.isLast(newest)) return WHOLE
    const wasAsked = this.#missing !== undefined
    this.#missing = newest
    if (!wasAsked || read.fruitless <= 1) return AT_ONCE
    return failed(EARLY, read, false, chance)
  }
}

function failed(failure: Failure, { fruitless }: ReadSoFar, isAsked: boolean, chance: number): Step {
  const isRefused = failure.kind === 'refused' && failure.status < 500 && failure.status !== 429
  if (isRefused && isAsked) return { kind: 'over', how: { kind: 'unchecked' } }
  if (isRefused || fruitless >= BOUNDED_TRIES)
    return { kind: 'over', how: { kind: 'lost', why: describeEnd(failure), isRefused } }
  return { kind: 'read', after: waitForAgain(failure, fruitless, chance), failure }
}
