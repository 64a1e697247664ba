import type { Instant, Ms } from '#core/clock.ts'

/** After how much silence a user is told: what is typed or asked for has waited long enough to be noticed. */
export const SILENCE_WARNING: Ms = 10_000
/** How long the agent may acknowledge nothing at all, on a WebSocket that works, while messages wait for it. */
export const ACKNOWLEDGEMENT_PATIENCE: Ms = 5 * 60_000

/** How often the time is counted while it runs. */
const COUNT_EVERY: Ms = 5_000
/** A count that is later than this was slept through, by the computer or by a stopped process. */
const SLEPT: Ms = 30_000

/**
 * Measures how long the agent has acknowledged nothing of what waits for it. A WebSocket tells nothing of that: its
 * far end is the gateway, which answers pings whatever the agent does.
 *
 * Only time in which an acknowledgement could have been seen counts: not while the way is cut, nothing is read, or
 * the computer sleeps. Losing the way does not reset it, as an agent that is gone is not there on the next one.
 */
export class AgentSilence {
  #silentFor: Ms = 0
  /** Up to when (`mono`) time was counted; undefined: it does not run. */
  #countedTo: Ms | undefined
  #isTold = false

  /** Messages wait, and their acknowledgement could be seen. */
  run(now: Instant): void {
    this.#countedTo ??= now.mono
  }

  /** Nothing waits, or nothing could be seen. */
  pause(now: Instant): void {
    this.#count(now)
    this.#countedTo = undefined
  }

  /** A message was acknowledged for the first time. The length of the silence that this ends, if it was told of. */
  heard(now: Instant): Ms | undefined {
    this.#count(now)
    const told = this.#isTold ? this.#silentFor : undefined
    this.#silentFor = 0
    this.#isTold = false
    return told
  }

  /** What the silence is worth by now; `warning` once a silence, and undefined when there is nothing new to tell. */
  check(now: Instant): 'warning' | 'forsaken' | undefined {
    this.#count(now)
    if (this.#silentFor >= ACKNOWLEDGEMENT_PATIENCE) return 'forsaken'
    if (this.#silentFor < SILENCE_WARNING || this.#isTold) return undefined
    this.#isTold = true
    return 'warning'
  }

  /** How long it has lasted, as counted last. */
  get silentFor(): Ms {
    return this.#silentFor
  }

  deadline(): Ms | undefined {
    return this.#countedTo === undefined ? undefined : this.#countedTo + COUNT_EVERY
  }

  #count(now: Instant): void {
    if (this.#countedTo === undefined) return
    const passed = now.mono - this.#countedTo
    if (passed <= SLEPT) this.#silentFor += passed
    this.#countedTo = now.mono
  }
}
