/**
 * The door of the session protocol: what the rest of the program uses of it. Everything else behind it may change
 * without anybody noticing.
 */

export { PortStream } from '#core/ssm/io/port-stream.ts'
export { Session, type SessionContext, type SessionLife } from '#core/ssm/io/session.ts'
export type { ConnectionId, PortInput, PortOutput, SessionEnd, SessionWarning } from '#core/ssm/machine.ts'
export { PortSession } from '#core/ssm/port-session.ts'
export type {
  DataKey,
  SessionApi,
  SessionGrant,
  SessionLimits,
  SessionRequest,
} from '#core/ssm/session-api.ts'
