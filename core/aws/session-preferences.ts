import type { Ms } from '#core/clock.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'

/** What the service does where an account has set nothing. */
const DEFAULT_IDLE: Ms = 20 * 60_000

/** The service's own bounds, in minutes: a value outside them was never in force. */
const IDLE_BOUNDS = [1, 60] as const
const MAXIMUM_BOUNDS = [1, 1_440] as const

/**
 * The limits that a preferences document sets: `inputs.idleSessionTimeout` and `inputs.maxSessionDuration`, minutes
 * written as text. What is absent, empty or nonsense is the service's default.
 */
export function parseSessionLimits(content: string): SessionLimits {
  const inputs = inputsOf(content)
  return {
    idle: minutes(inputs['idleSessionTimeout'], IDLE_BOUNDS) ?? DEFAULT_IDLE,
    maximum: minutes(inputs['maxSessionDuration'], MAXIMUM_BOUNDS),
  }
}

/** The key that a preferences document names for the encryption of sessions; undefined where it names none. */
export function sessionKeyIn(content: string): string | undefined {
  const key = inputsOf(content)['kmsKeyId']
  return typeof key === 'string' && key !== '' ? key : undefined
}

function inputsOf(content: string): Record<string, unknown> {
  try {
    return Object((Object(JSON.parse(content)) as { inputs?: unknown }).inputs) as Record<string, unknown>
  } catch {
    return {}
  }
}

function minutes(value: unknown, [least, most]: readonly [number, number]): Ms | undefined {
  const count =
    typeof value === 'string' || typeof value === 'number' ? Number(value || Number.NaN) : Number.NaN
  return Number.isInteger(count) && count >= least && count <= most ? count * 60_000 : undefined
}
