import type { SessionContext } from '#core/ssm/io/session.ts'
import type { TerminalRun } from '#core/ssm/io/terminal-run.ts'
import { describeEnd } from '#core/tunnel/happenings.ts'
import { watchSessionEnds } from '#core/tunnel/session-watch.ts'
import { renderLimits } from './render/session.ts'

/**
 * Tells when the account's policy will end a shell that starts now, and once more shortly before it does. The
 * returned function stops that.
 */
export function watchSession(
  { limits, clock }: SessionContext,
  run: Pick<TerminalRun, 'lastActivity'>,
  tell: (text: string) => void,
): () => void {
  if (limits === undefined) return () => {}
  tell(`[pgctl: ${renderLimits(limits, clock.now().wall)}]`)
  return watchSessionEnds({
    limits,
    clock,
    lastActivity: () => run.lastActivity(),
    tell: (end) => tell(`[pgctl: ${describeEnd(end).message}]`),
  })
}
