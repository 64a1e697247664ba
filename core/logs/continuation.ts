import { isFurtherOfPostgres } from '#core/logs/formats/postgres.ts'
import type { LogLine } from '#core/logs/line.ts'

/**
 * Which lines of a log only go on with the one before: traces of Java, Python, Node and Go, the details of a Postgres
 * error, and whatever is indented. One write of a program, one event.
 *
 * ```
 *   ERROR c.acme.Jobs - job failed            the event
 *   java.lang.IllegalStateException: no lease    goes on: at the same moment
 *     \tat com.acme.Jobs.run(Jobs.java:41)       goes on: indented
 *   Caused by: java.io.IOException: reset        goes on: nothing begins so
 *   INFO c.acme.Jobs - next                   the next event
 * ```
 */

/** A logger writes message and trace at once; what comes later than this is another event. */
const TOGETHER_MS = 10

const TRACE_START =
  /^(?:Traceback \(most recent call last\):|(?:[a-z][\w$]*\.)+(?:[A-Z][\w$]*)?(?:Exception|Error|Throwable)\b)/
const TRACE_REST = /^(?:Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames))/
const CHAINED = /^(?:During handling of the above exception|The above exception was the direct cause)/
const GO_START = /^(?:panic: |fatal error: |goroutine \d+ \[)/
const GO_REST = /^(?:goroutine \d+ |created by |exit status \d|\[signal |\[recovered\]|[\w./*()\-·]+\(.*\)$)/
/** The end of a value that was printed over several lines. */
const CLOSING = /^[}\])]+[;,]?$/

const SPACE = 0x20
const TAB = 0x09
const BRACE = 0x7b

/** Where in a trace the last line was. */
type Place =
  | 'outside'
  /** Among a Python trace's frames; a line at the margin is its error, the last but for chained ones. */
  | 'python-frames'
  | 'python-error'
  | 'go'

/** Follows one source; lines must come in their order. */
export class Continuations {
  #place: Place = 'outside'
  #before: LogLine | undefined
  #wasIndented = false

  /** Whether `line` belongs to the event of the line before. */
  continues(line: LogLine): boolean {
    const before = this.#before
    this.#before = line
    const first = line.text.charCodeAt(0)
    const isIndented = first === SPACE || first === TAB
    const goesOn = before !== undefined && (isIndented || this.#goesOn(line, before, first))
    if (!goesOn) this.#place = begins(line.text)
    this.#wasIndented = isIndented
    return goesOn
  }

  #goesOn(line: LogLine, before: LogLine, first: number): boolean {
    const { text } = line
    // Nearly every line is JSON, and one of those never goes on.
    if (first === BRACE) return false
    if (this.#goesOnInPlace(text)) return true
    if (TRACE_REST.test(text) || isFurtherOfPostgres(text)) return true
    if (this.#wasIndented && CLOSING.test(text)) return true
    if (!TRACE_START.test(text) || !areTogether(before, line)) return false
    this.#place = begins(text)
    return true
  }

  #goesOnInPlace(text: string): boolean {
    switch (this.#place) {
      case 'outside':
        return false
      case 'python-frames':
        this.#place = 'python-error'
        return text !== ''
      case 'python-error':
        if (text.startsWith('Traceback ')) this.#place = 'python-frames'
        else if (text !== '' && !CHAINED.test(text)) return false
        return true
      case 'go':
        return text === '' || GO_REST.test(text)
    }
  }
}

function begins(text: string): Place {
  if (text.startsWith('Traceback (most recent')) return 'python-frames'
  return GO_START.test(text) ? 'go' : 'outside'
}

function areTogether(before: LogLine, line: LogLine): boolean {
  if (before.stamp === undefined || line.stamp === undefined) return false
  const apart = Date.parse(line.stamp) - Date.parse(before.stamp)
  return apart >= 0 && apart <= TOGETHER_MS
}
