import { neutralise } from '#core/text/neutralise.ts'
import type { Paint } from './error.ts'

/** Something to act on that has not made the command fail. */
export interface Warning {
  readonly message: string
  readonly why?: string | undefined
  readonly next?: string | undefined
}

export function renderWarning({ message, why, next }: Warning, paint: Paint): string {
  const lines = [`${paint('yellow', 'warning:')} ${neutralise(message)}`]
  if (why !== undefined) lines.push(`${paint('dim', '  why:')} ${neutralise(why)}`)
  if (next !== undefined) lines.push(`${paint('dim', ' next:')} ${neutralise(next)}`)
  return lines.join('\n')
}
