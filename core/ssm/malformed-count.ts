import type { Instant, Ms } from '#core/clock.ts'

/** Frames that are no messages, after which the peer is taken to speak something else. */
export const MALFORMED_LIMIT = 8
/** After how much sound traffic the broken frames before it are forgotten: a tunnel lives for days. */
export const MALFORMED_FORGOTTEN_AFTER: Ms = 60_000

/** Tells a peer that speaks something else from one that breaks a frame now and then. */
export class MalformedCount {
  #count = 0
  #latestAt: Ms = 0

  /** A frame was no message. True: that was one too many. */
  broken(now: Instant): boolean {
    this.#latestAt = now.mono
    return ++this.#count >= MALFORMED_LIMIT
  }

  /** A frame was a message. */
  sound(now: Instant): void {
    if (this.#count > 0 && now.mono - this.#latestAt >= MALFORMED_FORGOTTEN_AFTER) this.#count = 0
  }
}
