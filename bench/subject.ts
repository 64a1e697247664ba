import type { Ms } from '#core/clock.ts'
import type { BuiltCli } from './built-cli.ts'

/** One line of a table. */
export interface Row {
  readonly figure: string
  /** With its unit, and how many runs it is the median of. */
  readonly measured: string
  readonly goal?: Goal | undefined
  /** What the vendor's client was measured at, where our documents say. */
  readonly vendor?: string | undefined
  /** What each of the subject's `others` was measured at, in their order. */
  readonly others?: readonly string[] | undefined
}

export interface Goal {
  readonly text: string
  readonly met: boolean
}

/** What a subject measures with. */
export interface Bench {
  readonly cli: BuiltCli
  /** Ends the measuring; its reason says why. */
  readonly signal: AbortSignal
}

/** A group of figures that are measured together: one table of the results. */
export interface Subject {
  /** Its name on the command line. */
  readonly name: string
  readonly title: string
  /** How it is measured, in a sentence or two. */
  readonly method: string
  /** When it is given up. */
  readonly within: Ms
  /** What was measured against; the sandbox unless it says otherwise. */
  readonly where?: string
  /** Who else was measured; the vendor's client unless it says otherwise. */
  readonly others?: readonly string[]
  /** A run of all leaves it out, and its table as it is. */
  readonly onlyByName?: boolean
  /** Gives each row as soon as it is known. */
  measure(bench: Bench): AsyncGenerator<Row, void>
}

/** `measured` against the least or the most that it should be. */
export function atLeast(wanted: number, measured: number, unit = ''): Goal {
  return { text: `≥ ${wanted}${unit}`, met: measured >= wanted }
}

export function atMost(wanted: number, measured: number, unit = ''): Goal {
  return { text: `≤ ${wanted}${unit}`, met: measured <= wanted }
}
