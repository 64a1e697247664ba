import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { describeSpan } from './spans.ts'

/** How far the log group is behind the audit's log of the machine, as the machine's report has it. */

export const auditWordSchema = z.object({
  /** When what carries the log away said how it is; where it never has, when the machine started. */
  at: z.number(),
  /** When the oldest event happened that waits, or since when none can be read; null where nothing waits. */
  oldest: z.number().nullable(),
  /** The code of what keeps it from going on; null where nothing does. */
  trouble: z.string().nullable(),
})

export type AuditWord = z.infer<typeof auditWordSchema>

export interface AuditLag {
  readonly behind: Ms
  /** Why, where it is known. */
  readonly trouble: string | undefined
}

/** It speaks twice a minute: after this nobody carries anything away. */
const SILENT: Ms = 3 * 60_000
/** What waits for less is on its way. */
const WORTH_TELLING: Ms = 60_000

/** As of the report at `at`; undefined where no log group is named, or an image is older than all this. */
export function auditLagOf(audit: AuditWord | null | undefined, at: Ms): AuditLag | undefined {
  if (audit === null || audit === undefined) return undefined
  const isSilent = at - audit.at > SILENT
  const since = audit.oldest ?? (isSilent ? audit.at : at)
  return {
    behind: Math.max(0, at - since),
    trouble: isSilent ? 'nothing carries it away' : (audit.trouble ?? undefined),
  }
}

/** What there is to say of it; undefined where what is written is carried away. */
export function describeAuditLag(lag: AuditLag | undefined): string | undefined {
  if (lag === undefined || lag.behind < WORTH_TELLING) return undefined
  const why = lag.trouble === undefined ? '' : `: ${lag.trouble}`
  return `the audit log in the log group is ${describeSpan(lag.behind)} behind${why} (there: journalctl -u pgctl-audit-stream)`
}
