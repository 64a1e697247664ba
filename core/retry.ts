import { type Clock, type Ms, sleep } from '#core/clock.ts'

/** How often to try again and how long to wait in between: exponential back-off with full jitter. */
export interface RetryPolicy {
  /** Tries in all, the first included; `Infinity` keeps on until the signal says stop. */
  readonly attempts: number
  /** The longest wait before the second try. */
  readonly base: Ms
  /** The longest wait before any try. */
  readonly cap: Ms
}

/** What most requests want: four tries within a few seconds. */
export const REQUEST_RETRY: RetryPolicy = { attempts: 4, base: 100, cap: 2_000 }

/**
 * The wait after the failed try number `attempt` (1 is the first), for `chance` in [0, 1).
 *
 * Full jitter with a floor of a tenth, so that many clients cut off together do not come back together, and none
 * comes back at once.
 */
export function backoff(policy: RetryPolicy, attempt: number, chance: number): Ms {
  const ceiling = Math.min(policy.cap, policy.base * 2 ** (attempt - 1))
  return Math.round(ceiling * (0.1 + 0.9 * chance))
}

export interface RetryOptions {
  readonly clock: Clock
  /** A number in [0, 1), as `Math.random` gives. */
  readonly chance: () => number
  readonly policy?: RetryPolicy
  readonly retryable: (error: unknown) => boolean
  /** The wait that a failure itself asks for (a server's Retry-After); never shortened by the back-off. */
  readonly floor?: (error: unknown) => Ms | undefined
  readonly signal?: AbortSignal | undefined
}

/** Runs `action` until it succeeds, fails for good, runs out of tries (its last error is thrown) or is aborted. */
export async function retry<T>(action: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const policy = options.policy ?? REQUEST_RETRY
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted()
    try {
      return await action(attempt)
    } catch (error) {
      if (attempt >= policy.attempts || !options.retryable(error)) throw error
      const wait = Math.max(backoff(policy, attempt, options.chance()), options.floor?.(error) ?? 0)
      await sleep(options.clock, wait, options.signal)
    }
  }
}
