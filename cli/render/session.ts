import type { SessionLife } from '#core/ssm/io/session.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import { neutralise } from '#core/text/neutralise.ts'

/** What happens to a session's way while somebody works in it. */
export function renderSessionLife(event: SessionLife): string {
  if (event.type === 'reconnecting') return `[pgctl: ${neutralise(event.error.message)}; bringing it back]`
  return `[pgctl: back after ${(event.downFor / 1000).toFixed(1)} s, nothing was lost]`
}

/** When the account's policy ends a session that starts now (`wall`, epoch ms). */
export function renderLimits({ idle, maximum }: SessionLimits, wall: number): string {
  const quiet = `after ${Math.round(idle / 60_000)} min without traffic`
  const ends = maximum === undefined ? quiet : `at ${timeOfDay(wall + maximum)}, or ${quiet}`
  return `this session ends ${ends}`
}

/** The time of day, where the person is. */
export function timeOfDay(wall: number): string {
  return new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(wall)
}
