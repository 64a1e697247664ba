import type { Ms } from '#core/clock.ts'
import type { RunEnd } from '#core/logs/follow.ts'
import type { LogSummary } from '#core/logs/ledger.ts'
import type { LogLine } from '#core/logs/line.ts'
import type { Seam } from '#core/logs/overlap.ts'
import type { EndedRun } from '#core/logs/pod.ts'
import type { LogSource } from '#core/logs/sources.ts'

/** What a reader of logs is told: lines, and what happens to the streams that bring them. */
export type LogEvent =
  /**
   * A line and those that only go on with it, such as a trace. `late`: a later-stamped line of another source has
   * gone before. Where others are shown around those that were looked for, `group` numbers those of one source that
   * follow upon each other, and `context` marks the others.
   */
  | {
      readonly event: 'line'
      readonly source: LogSource
      readonly line: LogLine
      readonly rest: readonly LogLine[]
      readonly late: boolean
      readonly group?: number
      readonly context?: true
    }
  /** A container has started, or was found, after the beginning. */
  | { readonly event: 'joined'; readonly source: LogSource }
  /** The container runs anew; how its last run ended, where the cluster remembers it. */
  | { readonly event: 'restarted'; readonly source: LogSource; readonly end: EndedRun | undefined }
  /** There is nothing to read from this pod yet, and why. */
  | {
      readonly event: 'waiting'
      readonly namespace: string
      readonly service: string
      readonly pod: string
      readonly why: string
    }
  | { readonly event: 'left'; readonly namespace: string; readonly service: string; readonly pod: string }
  /** A service has no pods at all. */
  | { readonly event: 'empty'; readonly namespace: string; readonly service: string }
  /** Nothing of a namespace, or no log of it, may be read. */
  | { readonly event: 'refused'; readonly namespace: string; readonly why: string }
  /** The stream of one source is being opened again. */
  | { readonly event: 'reconnecting'; readonly source: LogSource; readonly why: string; readonly after: Ms }
  /** It brings lines again; `seam` says whether any are missing. */
  | { readonly event: 'resumed'; readonly source: LogSource; readonly seam: Seam }
  /** Lines are missing, or may be, although nothing had to be opened again. */
  | { readonly event: 'gap'; readonly source: LogSource; readonly seam: Seam }
  /** A run is over, or can be read no further. */
  | { readonly event: 'over'; readonly source: LogSource; readonly how: RunEnd }
  /** So many of the logs are followed; the others wait for one that is over. */
  | { readonly event: 'followed'; readonly followed: number; readonly total: number }
  /** The cluster cannot be asked which pods there are; streams go on. */
  | { readonly event: 'unwatched'; readonly why: string }
  /** The last event: what was read, and whether it was whole. */
  | { readonly event: 'ledger'; readonly summary: LogSummary }
