import type { Clock, Ms } from '#core/clock.ts'
import type { EngineReport, Expectations, RehearsalCheck } from '#core/snapshots/rehearsal/report.ts'

export interface RehearsalRequest {
  /** Dumps of pg_dump, and RDB files. */
  readonly postgres: readonly string[]
  readonly redis: readonly string[]
  /** The point that they are said to be of, and how far from it they may have been made. */
  readonly point: { readonly id: string; readonly takenAt: Ms | undefined } | undefined
  readonly apart: Ms
  readonly expectations: Expectations
  /** Asked of each Postgres, and of each Redis. */
  readonly queries: readonly string[]
  readonly commands: readonly string[]
  /** Where programs are looked for. */
  readonly path: string
  /** The password of the engines: of no use to anybody after us. */
  readonly password: string
  readonly clock: Clock
  /** What is being done, in a clause. */
  readonly onProgress: (says: string) => void
  readonly signal: AbortSignal
}

export type RehearsalTools = Pick<
  RehearsalRequest,
  'clock' | 'path' | 'password' | 'expectations' | 'queries' | 'commands' | 'signal'
>

/** What came of one file. */
export interface EngineRehearsal {
  readonly report: EngineReport
  readonly checks: readonly RehearsalCheck[]
  readonly madeAt: Ms | undefined
}
