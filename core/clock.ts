/**
 * Time and chance, as the shells hand them to the deciders.
 *
 * Pure code never asks for the time: it is given an {@link Instant}. Two readings travel together because they
 * answer different questions: `mono` orders events and drives timers, `wall` is what other machines see (and a
 * jump between the two is how a laptop's sleep shows).
 */

/** A duration, or a point on the monotonic clock, in milliseconds. */
export type Ms = number

/** A count of bytes. */
export type Bytes = number

/** One moment, read once and passed down. */
export interface Instant {
  /** Monotonic milliseconds since an arbitrary origin; never goes back. */
  readonly mono: Ms
  /** Milliseconds since 1970-01-01T00:00:00Z; may jump. */
  readonly wall: Ms
}

/** The one clock of a process. The system's own is `core/io/system-clock.ts`; tests turn a virtual one by hand. */
export interface Clock {
  now(): Instant
  /** Calls `wake` once, `delay` ms from now. The returned function cancels; calling it late or twice is harmless. */
  after(delay: Ms, wake: () => void): () => void
}

/** A source of `length` unpredictable bytes; tests pass a seeded one. */
export type RandomBytes = (length: number) => Uint8Array

/** Resolves after `delay` ms of `clock`, or rejects with the signal's reason as soon as that aborts. */
export function sleep(clock: Clock, delay: Ms, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(delay, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
