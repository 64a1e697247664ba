import type { Bytes } from '#core/clock.ts'
import type { LogLine, Stamp } from '#core/logs/line.ts'
import { weigh } from '#core/logs/merge.ts'
import { SPLIT_FROM } from '#core/logs/split-line.ts'

/**
 * The first line of an answer that does not begin where the log does. A runtime writes a long line in pieces, each a
 * record of its file, and an answer begins with a record: that may be the rest of a line.
 *
 * ```
 *   the last 3 records    │ rest of a long line ⏎ │ b ⏎ │ c ⏎      the first is dropped, b and c are whole
 *   since a moment        │ rest of a long line ⏎ │ b ⏎            it began before: newer kubelets print no stamp for it
 * ```
 *
 * Whoever wants the last two lines asks for three records, therefore. Where fewer lines come than records were asked
 * for, the log is shorter than that, and its first line is whole; unless some are so long that each may be several
 * records. Then, as when a long answer is not at its end yet, only the log's own first line tells.
 */
export interface AnswerHead {
  /**
   * `held`: more must come before anything is known; `ask`: the stamp of the log's first line must be asked for;
   * `known`: which lines are whole; `taken`: what comes next needs no look.
   */
  readonly state: HeadState
  offer(lines: readonly LogLine[]): void
  /** The answer is at its end. */
  end(): void
  /** Takes the stamp of the log's first line; undefined where nobody knows it. */
  settle(first: Stamp | undefined): void
  /** The lines that are whole, of those that were offered. */
  take(): readonly LogLine[]
}

export type HeadState = 'held' | 'ask' | 'known' | 'taken'

/** Beyond this, nobody waits for the end of the answer; the first line, which may be very long, does not count. */
const HELD_LIMIT: Bytes = 256 * 1024

/** The beginning of the last records of a log. */
export class TailHead implements AnswerHead {
  readonly #records: number
  #held: readonly LogLine[] = []
  #weight: Bytes = 0
  #mayBeSplit = false
  #state: HeadState = 'held'
  #dropped: LogLine | undefined

  /** `records`: how many were asked for. */
  constructor(records: number) {
    this.#records = records
  }

  get state(): HeadState {
    return this.#state
  }

  /** The first line, if it may be the rest of one. */
  get dropped(): LogLine | undefined {
    return this.#dropped
  }

  /** How many lines there are to be taken. */
  get count(): number {
    return this.#held.length
  }

  offer(lines: readonly LogLine[]): void {
    for (const [place, line] of lines.entries()) {
      if (this.#held.length + place > 0) this.#weight += weigh(line)
      // A character is one to three bytes.
      this.#mayBeSplit ||= line.text.length * 3 >= SPLIT_FROM
    }
    this.#held = [...this.#held, ...lines]
    if (this.#held.length >= this.#records) this.#know(false)
    else if (this.#weight > HELD_LIMIT) this.#state = 'ask'
  }

  end(): void {
    if (this.#mayBeSplit) this.#state = 'ask'
    else this.#know(true)
  }

  settle(first: Stamp | undefined): void {
    this.#know(first !== undefined && this.#held[0]?.stamp === first)
  }

  take(): readonly LogLine[] {
    this.#state = 'taken'
    return this.#held
  }

  #know(isWhole: boolean): void {
    this.#state = 'known'
    if (isWhole) return
    this.#dropped = this.#held[0]
    this.#held = this.#held.slice(1)
  }
}

/** The beginning of what was written since a moment. */
export class SinceHead implements AnswerHead {
  #held: readonly LogLine[] = []
  #state: HeadState = 'held'

  get state(): HeadState {
    return this.#state
  }

  offer(lines: readonly LogLine[]): void {
    const first = lines.findIndex(({ stamp }) => stamp !== undefined)
    if (first === -1) this.#held = [...this.#held, ...lines]
    else {
      this.#held = lines.slice(first)
      this.#state = 'known'
    }
  }

  /** An answer without any stamp is no log, but a message of the cluster instead of one. */
  end(): void {
    this.#state = 'known'
  }

  settle(): void {}

  take(): readonly LogLine[] {
    this.#state = 'taken'
    return this.#held
  }
}
