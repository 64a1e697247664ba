import type { Ms } from '#core/clock.ts'

/** What to start: a document of Session Manager on one managed node. */
export interface SessionRequest {
  /** The node: an instance id (`i-…`) or a hybrid one (`mi-…`). */
  readonly target: string
  /** The session document; undefined is the account's default shell. */
  readonly document?: string | undefined
  readonly parameters?: Readonly<Record<string, readonly string[]>>
  /** Shown in the service's history and in CloudTrail; at most 256 characters. */
  readonly reason?: string | undefined
}

/** The right to open a session's data channel once. */
export interface SessionGrant {
  readonly sessionId: string
  /** Where to open the WebSocket, as the service gave it; `stream-url.ts` decides whether it is acceptable. */
  readonly streamUrl: string
  /** Secret: never logged, never in argv. */
  readonly token: string
}

/** A fresh data key: the plaintext stays here, the ciphertext goes to the agent. */
export interface DataKey {
  readonly plaintext: Uint8Array
  readonly ciphertext: Uint8Array
}

/** The session policy of the account, from its preferences document. */
export interface SessionLimits {
  readonly idle: Ms
  /** The longest session; undefined where the account sets none. */
  readonly maximum: Ms | undefined
}

/** The control plane of sessions. Every method throws a `PgctlError` that names the resource and the action. */
export interface SessionApi {
  start(request: SessionRequest, signal?: AbortSignal): Promise<SessionGrant>
  /** A fresh grant for a session that lost its data channel, or undefined when that session has ended. */
  resume(sessionId: string, signal?: AbortSignal): Promise<SessionGrant | undefined>
  /** Ends the session; one that has ended already is no error. */
  terminate(sessionId: string, signal?: AbortSignal): Promise<void>
  /** KMS GenerateDataKey of 64 bytes, bound to `context`. */
  dataKey(keyId: string, context: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<DataKey>
  /** The account's limits, or undefined where the caller may not read them. */
  limits(signal?: AbortSignal): Promise<SessionLimits | undefined>
}
