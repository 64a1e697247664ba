import type { Duplex } from 'node:stream'
import type { Ms } from '#core/clock.ts'
import type { PgctlError } from '#core/errors.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import type { EventSource } from '#core/tunnel/event-source.ts'

/** The ways that lead to a target. */
export type RouteName = 'direct' | 'cluster'

/**
 * The seam between a tunnel and its route: whatever can open connections to one far end.
 *
 * ```
 *   local client ⇄ listener ⇄ [ Duplex ⇄ dialer ⇄ … ] ⇄ far end
 * ```
 *
 * Nothing above a dialer knows which route it takes. All that holds for every dialer is in the conformance suite
 * `test/support/describe-dialer.ts`; in words:
 *
 * - **The stream.** `end()` ends our side, `'end'` is theirs. A stream that both sides have ended closes by itself,
 *   and `destroy()` gives the connection up at once. A route with `halfClose` carries each end on its own; one without
 *   delivers ours late, and may close the stream at theirs.
 * - **Failure.** A connection that breaks is destroyed with a `PgctlError`; a far end that refuses is
 *   `far-end-refused`, either from `connect` or from the stream, since some routes learn it late.
 * - **Backpressure.** What nobody reads is buffered up to a bound that the route names, and slows no other
 *   connection below that bound.
 * - **The end.** When the route itself ends, every stream is destroyed with an error of its code, `connect` rejects
 *   with its error ever after, and `ended` is emitted once. Disposal destroys every stream, waits for what is to be
 *   ended on the far side (a session, say), emits nothing, and may be repeated.
 */
export interface Dialer extends AsyncDisposable {
  readonly route: RouteName
  /** Whether `end()` reaches the far end while its answer is still under way. */
  readonly halfClose: boolean
  readonly events: EventSource<DialerEvent>
  /** A new connection to the far end; rejects with a `PgctlError`, or with the signal's reason once that aborts. */
  connect(signal?: AbortSignal): Promise<Duplex>
  /** The measured round trip to whatever answers for the far end, or undefined while none is known. */
  roundTrip(): Ms | undefined
}

/** What a route tells of its life, in the order in which it happens. */
export type DialerEvent =
  /** A session was started on the customer's side; a route may start several. */
  | {
      readonly event: 'session'
      readonly sessionId: string
      readonly instance: string
      /** The account's session policy; undefined where it may not be read. */
      readonly limits: SessionLimits | undefined
    }
  /** The way is cut and being mended; open connections wait. */
  | { readonly event: 'reconnecting'; readonly error: PgctlError }
  /** The way is mended and no byte was lost. */
  | { readonly event: 'resumed'; readonly downFor: Ms }
  /** It works, and less well than it should. */
  | { readonly event: 'degraded'; readonly message: string }
  /** Something to know, such as the end of what made it `degraded`. */
  | { readonly event: 'notice'; readonly message: string }
  /** A way that opens on demand is closed until it is needed again: unused for `after`, or ended by `error`. */
  | { readonly event: 'asleep'; readonly after: Ms | undefined; readonly error: PgctlError | undefined }
  /** The way is gone for good. */
  | { readonly event: 'ended'; readonly error: PgctlError }
