import { randomBytes } from 'node:crypto'
import type { Clock, Ms } from '#core/clock.ts'

/** What a token opens: one end of a session, or an agent's control channel. */
export type TokenPurpose = 'client' | 'agent' | 'control'

/** How long a token waits to be used. */
const LIFETIME: Ms = 60_000

/** The tokens that open WebSockets: each once, and only for a while. */
export class Tokens {
  readonly #clock: Clock
  readonly #waiting = new Map<string, { purpose: TokenPurpose; channel: string; expires: Ms }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A fresh token for the channel (a session's id, or an instance's). */
  issue(purpose: TokenPurpose, channel: string): string {
    this.#forgetExpired()
    const token = randomBytes(48).toString('base64')
    this.#waiting.set(token, { purpose, channel, expires: this.#clock.now().mono + LIFETIME })
    return token
  }

  /** Uses up `token`; whether it opens that end of that channel. A token shown at the wrong door is used up too. */
  redeem(token: string, purpose: TokenPurpose, channel: string): boolean {
    const found = this.#waiting.get(token)
    this.#waiting.delete(token)
    return (
      found !== undefined &&
      found.purpose === purpose &&
      found.channel === channel &&
      found.expires > this.#clock.now().mono
    )
  }

  #forgetExpired(): void {
    const now = this.#clock.now().mono
    for (const [token, { expires }] of this.#waiting) if (expires <= now) this.#waiting.delete(token)
  }
}
