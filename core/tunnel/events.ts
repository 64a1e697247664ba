import type { Bytes, Ms } from '#core/clock.ts'
import { type ErrorCode, isPgctlError, messageOf } from '#core/errors.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'

/**
 * The life of a tunnel as data: the CLI renders it, or prints one JSON object a line. Fields are only ever added.
 *
 * ```
 *   starting → session* → ready → (connection-opened → connection-closed)*
 *                                 (reconnecting → resumed)*  degraded*  warning*  notice*   → ended
 * ```
 *
 * A lazy tunnel is `ready` before it has a session: `starting → ready → (session → asleep)* → ended`.
 *
 * `ended` is the last event of every tunnel that has started. Moments are ISO 8601 in UTC, durations milliseconds.
 */
export type TunnelEvent =
  | { readonly event: 'starting'; readonly target: string; readonly route: RouteName; readonly why: string }
  | {
      readonly event: 'session'
      readonly target: string
      readonly sessionId: string
      readonly instance: string
      /** When the account's policy ends the session, whatever it does; absent where no such limit is known. */
      readonly endsAt?: string | undefined
      /** How long the session may carry nothing before the account's policy ends it. */
      readonly idleLimitMs?: Ms | undefined
    }
  | ReadyEvent
  | {
      readonly event: 'connection-opened'
      readonly target: string
      readonly connection: number
      /** Connections open now, this one included. */
      readonly open: number
    }
  | {
      readonly event: 'connection-closed'
      readonly target: string
      readonly connection: number
      readonly open: number
      /** Bytes from the local client to the far end. */
      readonly sent: Bytes
      readonly received: Bytes
      /** Why it broke; absent when both sides ended it. */
      readonly cause?: Cause | undefined
    }
  | { readonly event: 'reconnecting'; readonly target: string; readonly cause: Cause }
  | { readonly event: 'resumed'; readonly target: string; readonly downForMs: Ms }
  | { readonly event: 'degraded'; readonly target: string; readonly message: string }
  /** The session of a lazy tunnel is closed; the next connection opens another. */
  | {
      readonly event: 'asleep'
      readonly target: string
      /** How long nothing had passed; absent where something else ended it. */
      readonly afterMs?: Ms | undefined
      readonly cause?: Cause | undefined
    }
  | Remark<'notice'>
  | Remark<'warning'>
  | { readonly event: 'ended'; readonly target: string; readonly cause: Cause }

/** What happens to one tunnel, before the tunnel's name is put on it. */
export type TunnelHappening = WithoutTarget<TunnelEvent>

/** The happening of one name. */
export type Happening<Name extends TunnelEvent['event']> = Extract<TunnelHappening, { event: Name }>

type WithoutTarget<Event> = Event extends unknown ? Omit<Event, 'target'> : never

/** A byte has gone to the far end and back, or the probe says that none could. */
export interface ReadyEvent {
  readonly event: 'ready'
  readonly target: string
  readonly address: string
  readonly port: number
  /** Only where the far end's protocol is known to have one. */
  readonly url?: string | undefined
  readonly route: RouteName
  readonly probe: 'answered' | 'unanswered'
  /** What the probe saw, in a few words. */
  readonly detail: string
  /** All addresses that listen on `port`, `address` first. */
  readonly addresses: readonly string[]
  /** Whether it has no session yet: the first connection opens one. */
  readonly lazy?: true | undefined
}

/** Something to know (`notice`) or to act on (`warning`), with a stable name. */
export interface Remark<Weight extends 'notice' | 'warning'> {
  readonly event: Weight
  readonly target: string
  readonly about: RemarkSubject
  readonly message: string
  readonly next?: string | undefined
  /** The moment that the message is about. */
  readonly at?: string | undefined
}

export type RemarkSubject =
  | 'no-ipv6'
  | 'bind-not-loopback'
  | 'port-moved'
  | 'too-many-connections'
  | 'listener'
  | 'session-ends-soon'
  | 'session-over'
  | 'idle-ends-soon'
  | 'route'
  | 'browser'
  | 'port-not-read'
  | 'port-not-saved'
  | 'request-refused'

/** A failure as data: never a stack, never the cause's own fields. */
export interface Cause {
  /** `closed`: ended by whoever had opened it. */
  readonly code: ErrorCode | 'closed'
  readonly message: string
  readonly why?: string | undefined
  readonly next?: string | undefined
  readonly requestId?: string | undefined
}

/** A failure as an event carries it. Whatever is not a `PgctlError` is a bug of ours, and only its text is told. */
export function causeOf(error: unknown): Cause {
  if (!isPgctlError(error)) return { code: 'internal', message: messageOf(error) }
  const { code, message, why, next, requestId } = error
  return { code, message, why, next, requestId }
}
