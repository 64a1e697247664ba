import type { Ms } from '#core/clock.ts'
import type { ContainerSnapshot, EndedRun } from '#core/logs/pod.ts'
import { readableRun } from '#core/logs/pod.ts'
import { backoff, type RetryPolicy } from '#core/retry.ts'

/**
 * What to do when a container's log stops coming.
 *
 * The end of a stream says little: API servers close followed logs in good order while the container goes on, and
 * kubelets stop at a rotation. Only the container's status says whether there is more, and even then the stream may
 * have ended before the container did; so a log is over when it was read to its end once more, without following,
 * after the status had said that the run is over, and that reading has brought nothing new: an API server that loses
 * its kubelet in the middle of a log ends the answer in good order, too.
 */

/** How one stream of a container's log was read. */
export type ReadingMode =
  /** Goes on with what is written. */
  | 'follow'
  /** To its present end, of a run that is known to be over. */
  | 'remainder'
  /** The same, of the run before the current one. */
  | 'previous'

/** Why a stream no longer brings lines. */
export type StreamEnd =
  /** The server ended it in good order, with this `unfinished` line that was left out. */
  | { readonly kind: 'ended'; readonly unfinished: string | undefined }
  /** The connection broke. */
  | { readonly kind: 'cut'; readonly why: string }
  /** It could not be opened. */
  | {
      readonly kind: 'refused'
      readonly status: number
      readonly why: string
      readonly retryAfter: Ms | undefined
    }
  /** It was silent, although the log has newer lines or the run is over. */
  | { readonly kind: 'dead' }

/** The stream that ended, and what came of the tries before it. */
export interface Reading {
  /** The run whose log it is. */
  readonly run: string
  readonly mode: ReadingMode
  /** Ends one after another, this one included, since the last line came. */
  readonly fruitless: number
  /** Whether the stream before it ended in good order. */
  readonly endedBefore: boolean
}

export type Verdict =
  | { readonly kind: 'reopen'; readonly mode: ReadingMode; readonly after: Ms; readonly why: string }
  | { readonly kind: 'over'; readonly how: RunEnd }

/** How certain it is that a run's log was read completely. */
export type RunEnd =
  /** Everything was read. */
  | { readonly kind: 'whole'; readonly end: EndedRun | undefined }
  /** The log is gone before its end could be checked; the stream had ended in good order. */
  | { readonly kind: 'unchecked' }
  /** The rest of the log cannot be read. */
  | { readonly kind: 'lost'; readonly why: string }

/** Tries, one after another without a line, for the rest of a run that is over; about a minute. */
const REMAINDER_TRIES = 10
/** The same for what was asked for once; a person waits. */
export const BOUNDED_TRIES = 6
const AGAIN: RetryPolicy = { attempts: Number.POSITIVE_INFINITY, base: 250, cap: 15_000 }
/** Many streams that end together should not all be opened in the same instant. */
const SPREAD: Ms = 100

/**
 * Decides what follows the end of a stream. `container` is its newest status, undefined for a pod that is gone;
 * `chance` is a number in [0, 1).
 */
export function decide(
  end: StreamEnd,
  reading: Reading,
  container: ContainerSnapshot | undefined,
  chance: number,
): Verdict {
  const goneFromApi = end.kind === 'refused' && end.status === 404
  if (container === undefined || goneFromApi) return over(farewell(end, reading, 'the pod is gone'))
  const readable = readableRun(container)
  if (readable?.run === reading.run) {
    return readable.over === undefined
      ? goOn(end, reading, chance)
      : finish(end, reading, readable.over, chance)
  }
  return leaveBehind(end, reading, container, chance)
}

/** The run goes on, and so do we, however long it takes. */
function goOn(end: StreamEnd, reading: Reading, chance: number): Verdict {
  return reopen('follow', end, reading, chance)
}

/** The run is over; its log is read once more to the end. */
function finish(end: StreamEnd, reading: Reading, run: EndedRun, chance: number): Verdict {
  if (reading.mode !== 'follow' && isConfirmed(end, reading)) return over({ kind: 'whole', end: run })
  return readRemainder('remainder', end, reading, chance)
}

/** The container runs anew: the log of our run is the previous one, until the next restart. */
function leaveBehind(
  end: StreamEnd,
  reading: Reading,
  container: ContainerSnapshot,
  chance: number,
): Verdict {
  const { previous } = container
  if (reading.mode === 'previous' && isConfirmed(end, reading)) return over({ kind: 'whole', end: previous })
  if (previous?.run !== reading.run || (end.kind === 'refused' && end.status === 400))
    return over(farewell(end, reading, 'the container was restarted again, and the log of that run is gone'))
  return readRemainder('previous', end, reading, chance)
}

function readRemainder(mode: ReadingMode, end: StreamEnd, reading: Reading, chance: number): Verdict {
  // A throttle only asks for patience, and a follow has that.
  const isThrottled = end.kind === 'refused' && end.status === 429
  if (reading.fruitless >= REMAINDER_TRIES && !isThrottled)
    return over(farewell(end, reading, `it could not be read: ${describeEnd(end)}`))
  return reopen(mode, end, reading, chance)
}

function reopen(mode: ReadingMode, end: StreamEnd, reading: Reading, chance: number): Verdict {
  return { kind: 'reopen', mode, after: waitAfter(end, reading, mode, chance), why: describeEnd(end) }
}

/** At once after a stream that did its work, later and later after others; never before the server allows it. */
function waitAfter(end: StreamEnd, { fruitless, mode }: Reading, next: ReadingMode, chance: number): Ms {
  if (end.kind === 'refused') return waitForAgain(end, fruitless, chance)
  const changed = next !== mode
  return fruitless <= 1 || changed ? Math.round(SPREAD * chance) : backoff(AGAIN, fruitless - 1, chance)
}

/** How long after a failure to wait, which was the `fruitless`th in turn; never less than the server says. */
export function waitForAgain(end: StreamEnd, fruitless: number, chance: number): Ms {
  const retryAfter = end.kind === 'refused' ? (end.retryAfter ?? 0) : 0
  return Math.max(backoff(AGAIN, Math.max(1, fruitless), chance), retryAfter)
}

/** Whether two readings have come to the same end of the log. */
function isConfirmed(end: StreamEnd, { fruitless, endedBefore }: Reading): boolean {
  return end.kind === 'ended' && end.unfinished === undefined && endedBefore && fruitless > 1
}

function farewell(end: StreamEnd, reading: Reading, why: string): RunEnd {
  const ended = end.kind === 'ended' || (end.kind === 'refused' && reading.endedBefore)
  return ended ? { kind: 'unchecked' } : { kind: 'lost', why }
}

function over(how: RunEnd): Verdict {
  return { kind: 'over', how }
}

/** An end of a stream in words, for a notice. */
export function describeEnd(end: StreamEnd): string {
  switch (end.kind) {
    case 'ended':
      return 'the server ended the stream while the container goes on'
    case 'cut':
    case 'refused':
      return end.why
    case 'dead':
      return 'the stream had died silently'
  }
}

/** How long a stream may be silent before it is probed for the number `probe` (0 is the first) time. */
export function probeDelay(probe: number): Ms {
  return Math.min(300_000, 30_000 * 2 ** probe)
}
