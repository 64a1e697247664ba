import type { Instant, Ms } from '#core/clock.ts'

/** How long an agent that is there may say nothing before its session is taken to have no handshake. */
export const NO_HANDSHAKE_AFTER: Ms = 1_000

/**
 * Notices that a session begins without a handshake, as today's ordinary shell does: an agent that is there, and
 * begins none for a while in which it could be heard. What is sent before a handshake that comes after all is lost,
 * as the agent acknowledges and ignores it; so the wait starts anew after every silence on the way.
 */
export class UnannouncedStart {
  #agentIsThere = false
  #wayIsOpen = false
  #over = false
  #at: Ms | undefined

  /** The agent has said that it is there. */
  agentIsThere(now: Instant): void {
    this.#agentIsThere = true
    this.#wait(now)
  }

  /** The agent could be heard from now on. */
  open(now: Instant): void {
    this.#wayIsOpen = true
    this.#wait(now)
  }

  /** The agent cannot be heard for a while. */
  shut(): void {
    this.#wayIsOpen = false
    this.#at = undefined
  }

  /** How the session begins is known, or it never begins so. */
  settle(): void {
    this.#over = true
    this.#at = undefined
  }

  deadline(): Ms | undefined {
    return this.#at
  }

  isDue(now: Instant): boolean {
    return this.#at !== undefined && now.mono >= this.#at
  }

  #wait(now: Instant): void {
    if (this.#agentIsThere && this.#wayIsOpen && !this.#over) this.#at ??= now.mono + NO_HANDSHAKE_AFTER
  }
}
