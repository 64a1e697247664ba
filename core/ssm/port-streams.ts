import type { Bytes, Instant, Ms } from '#core/clock.ts'
import type { PgctlError } from '#core/errors.ts'
import type { ConnectionEnd, ConnectionId, PortOutput } from '#core/ssm/machine.ts'

/** What the connections of a port session give, beside what their session gives. */
export type PortStreamsOutput =
  | Extract<PortOutput, { type: 'data' | 'full' | 'writable' | 'connection-ended' | 'warning' }>
  /** Tell the agent that the one local connection is gone. Everything of it was polled before. */
  | { readonly type: 'disconnect' }
  /** The agent's bytes make no sense: the session is over. */
  | { readonly type: 'failed'; readonly error: PgctlError }

/** Unsent bytes of one connection from which on it is `full`, and at which it is `writable` again. */
export const UNSENT_HIGH: Bytes = 256 * 1024
export const UNSENT_LOW: Bytes = 64 * 1024

/** A connection, and what was handed up for it and is not consumed. */
export interface HeldBack {
  readonly connection: ConnectionId
  readonly held: Bytes
}

/** How connections travel in a session's one stream of bytes: multiplexed, or one at a time. */
export interface PortStreams {
  /** Bytes written and not yet polled. */
  readonly unsentBytes: Bytes
  /** Bytes handed up and not consumed. */
  readonly heldBytes: Bytes

  /** The connection that holds most of {@link heldBytes}; undefined when there is none. */
  mostHeld(): HeldBack | undefined

  open(connection: ConnectionId): void
  write(connection: ConnectionId, bytes: Uint8Array): void
  consumed(connection: ConnectionId, length: Bytes): void
  end(connection: ConnectionId, now: Instant): void
  abort(connection: ConnectionId): void
  /** Ends all connections; their events are the last. */
  endAll(end: ConnectionEnd): void

  /** The next bytes of the session, in order. */
  receive(bytes: Uint8Array, now: Instant): void
  /** The agent could not connect to the far end, of which connection it does not say. */
  connectFailed(now: Instant): void

  pollEvent(): PortStreamsOutput | undefined
  /** The payload of the next message, at most `room` bytes; undefined when there is nothing to send. */
  pollTransmit(room: Bytes): Uint8Array | undefined

  /** There is a way to the agent again: silence is counted from now. */
  restart(now: Instant): void
  deadline(): Ms | undefined
  tick(now: Instant): void
}
