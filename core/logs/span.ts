import { addSeconds, type LogLine, type Stamp, secondOf } from '#core/logs/line.ts'

/** A part of the past or of what comes; both ends belong to it. */
export interface Span {
  readonly from?: Stamp | undefined
  readonly to?: Stamp | undefined
}

/** How far behind the highest a stamp may run: two outputs of one program, a node's clock that is corrected. */
export const SPAN_SLACK_SECONDS = 2

/** The whole second from which the API is asked; a second early, as it knows no fractions. */
export function sinceTimeOf({ from }: Span): string | undefined {
  return from === undefined ? undefined : `${addSeconds(secondOf(from), -1)}Z`
}

/**
 * Cuts one log to a span, exactly by the stamps of its lines. A line without a stamp goes with the one before.
 *
 * The beginning is cut in history only: a line that was just written is new, whatever its node's clock says.
 */
export class SpanCut {
  readonly #span: Span
  readonly #last: string | undefined
  #wasInside: boolean
  #isPast = false

  constructor(span: Span) {
    this.#span = span
    // What comes first without a stamp may be the rest of a line that began before.
    this.#wasInside = span.from === undefined
    this.#last = span.to && addSeconds(secondOf(span.to), SPAN_SLACK_SECONDS)
  }

  /** Whether a line so far past the end has come that none inside is expected after it. */
  get isPast(): boolean {
    return this.#isPast
  }

  /** Those of `lines` that are inside. */
  cut(lines: readonly LogLine[], isHistory: boolean): readonly LogLine[] {
    const { from, to } = this.#span
    if (from === undefined && to === undefined) return lines
    return lines.filter(({ stamp }) => {
      if (stamp === undefined) return this.#wasInside
      if (this.#last !== undefined && secondOf(stamp) > this.#last) this.#isPast = true
      this.#wasInside =
        (to === undefined || stamp <= to) && (!isHistory || from === undefined || stamp >= from)
      return this.#wasInside
    })
  }
}
