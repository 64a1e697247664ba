import type { SessionLife } from '#core/ssm/io/session.ts'
import type { SessionWarning } from '#core/ssm/machine.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import { neutralise } from '#core/text/neutralise.ts'

/** What happens to a session's way while somebody works in it. */
export function renderSessionLife(event: SessionLife): string {
  if (event.type === 'reconnecting') return `[pgctl: ${neutralise(event.error.message)}; bringing it back]`
  return `[pgctl: back after ${(event.downFor / 1000).toFixed(1)} s, nothing was lost]`
}

/** What is amiss with a shell or a command whose session still stands; undefined for what only tunnels meet. */
export function renderSessionWarning(warning: SessionWarning): string | undefined {
  if (warning.code !== 'unresponsive' && warning.code !== 'responsive') return undefined
  const duration = `${Math.round(warning.silentFor / 1000)} s`
  return warning.code === 'unresponsive'
    ? `[pgctl: the agent has acknowledged nothing for ${duration}]`
    : `[pgctl: the agent is heard again after ${duration}]`
}

/** When the account's policy ends a session that starts now (`wall`, epoch ms). */
export function renderLimits({ idle, maximum }: SessionLimits, wall: number): string {
  return `this session ${renderEnds(maximum === undefined ? undefined : wall + maximum, idle)}`
}

/** The ends of a session: a moment (epoch ms), and a stretch without traffic; undefined is none that is known. */
export function renderEnds(at: number | undefined, idle: number | undefined): string | undefined {
  const parts: string[] = []
  if (at !== undefined) parts.push(`at ${timeOfDay(at)}`)
  if (idle !== undefined) parts.push(`after ${Math.round(idle / 60_000)} min without traffic`)
  return parts.length === 0 ? undefined : `ends ${parts.join(', or ')}`
}

/** The time of day, where the person is. */
function timeOfDay(wall: number): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(wall)
}
