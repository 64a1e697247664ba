import type { Ms } from '#core/clock.ts'
import type { Outcome } from '#core/health/checks.ts'

/** AWS refuses signatures that are further off. */
const CLOCK_LIMIT: Ms = 5 * 60_000
const CLOCK_WARNING: Ms = 60_000
/** Whoever begins now would have to log in again in the middle. */
const SOON: Ms = 15 * 60_000

/** The clock, by how much it is ahead of that of AWS; a negative number is behind. */
export function judgeClock(ahead: Ms): Outcome {
  const seconds = Math.round(Math.abs(ahead) / 1_000)
  if (seconds <= 1) return { state: 'ok', says: "this computer's clock is that of AWS, to a second" }
  const says = `this computer's clock is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} that of AWS`
  if (Math.abs(ahead) < CLOCK_WARNING) return { state: 'ok', says }
  const next = 'set it, by the network: on Linux, timedatectl set-ntp true'
  if (Math.abs(ahead) < CLOCK_LIMIT) return { state: 'warning', says, next }
  return { state: 'failed', says, why: 'AWS refuses signatures that are more than 5 min off', next }
}

/** Credentials that end at `expires`; undefined is never. */
export function judgeExpiry(expires: Ms | undefined, now: Ms): Outcome {
  if (expires === undefined) return { state: 'ok', says: 'there are some, which do not expire' }
  const left = Math.floor((expires - now) / 60_000)
  const says = `there are some, good for ${left} min, until ${new Date(expires).toISOString().slice(0, 19)}Z`
  if (expires - now > SOON) return { state: 'ok', says }
  return { state: 'warning', says, next: 'renew them before you begin something long' }
}

/** How an endpoint was reached. */
export interface EndpointAnswer {
  readonly host: string
  /** The variables that say how, without what is secret in them. */
  readonly by: readonly string[]
}

/** All endpoints answer; whatever keeps one from it is an error of the reading. */
export function judgeEndpoints(answers: readonly EndpointAnswer[]): Outcome {
  const hosts = [...new Set(answers.map(({ host }) => host))].join(', ')
  const by = [...new Set(answers.flatMap((answer) => answer.by))]
  const one = hosts.includes(',') ? 'answer' : 'answers'
  return { state: 'ok', says: `${hosts} ${one}${by.length === 0 ? '' : `, by ${by.join(', ')}`}` }
}

/** What of the environment decides how the outside is reached, fit to be shown. */
export function outboundSettings(environment: Readonly<Record<string, string | undefined>>): string[] {
  return ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'AWS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'].flatMap((name) => {
    const value = environment[name.toLowerCase()] || environment[name]
    return value ? [`${name}=${withoutPassword(value)}`] : []
  })
}

function withoutPassword(value: string): string {
  return value.replace(/\/\/[^@/\s]*@/, '//***@')
}
