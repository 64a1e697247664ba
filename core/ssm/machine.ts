import type { Bytes, Instant, Ms, RandomBytes } from '#core/clock.ts'
import type { PgctlError } from '#core/errors.ts'
import type { TerminalSize } from '#core/ssm/payloads.ts'
import type { DataKey } from '#core/ssm/session-api.ts'

/*
 * What a whole session takes and gives. A session is a machine without I/O; the pump around it owns one WebSocket,
 * one timer, and the sockets or the terminal.
 *
 *     pump                                             machine
 *      ├─ opens the WebSocket, sends the opening text ──► transport-up
 *      ├─ all frames of one read, one by one ───────────► frame, frame, …
 *      ├─ then drains once:  pollEvent()    until undefined, acts on each
 *      │                     pollTransmit() until undefined or its budget is spent, corked
 *      └─ then sets its timer to deadline(), and at that time ─► tick
 *
 * Feed, drain, ask for the deadline, in this order after every batch: nothing leaves a machine inside `handle`.
 */

/** The one shape of all machines. */
export interface Machine<Input, Output> {
  /** Takes one event. Never throws for anything that a peer or the network did; after the end it does nothing. */
  handle(event: Input, now: Instant): void
  /**
   * The next binary frame to send, of at most `budget` bytes; undefined when there is nothing, no transport, or not
   * enough budget. What is returned counts as sent: the machine keeps its own copy until it is acknowledged.
   * A budget of {@link MIN_TRANSMIT_BUDGET} is enough for any frame that must not wait.
   */
  pollTransmit(now: Instant, budget: Bytes): Uint8Array | undefined
  /** The next thing to do, in order; undefined when there is none. */
  pollEvent(): Output | undefined
  /** When (`mono`) to `tick` at the latest; undefined: nothing waits for time. Constant time. */
  deadline(): Ms | undefined
}

/** Enough for any one frame: a header and the longest message that we send. */
export const MIN_TRANSMIT_BUDGET: Bytes = 40 * 1024

/** One local connection of a port session: a number that the caller chooses and never uses again. */
export type ConnectionId = number

/** The earlier of two moments, where undefined is never. */
export function earliest(one: Ms | undefined, other: Ms | undefined): Ms | undefined {
  if (one === undefined) return other
  return other === undefined ? one : Math.min(one, other)
}

// ── in ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What every session takes. */
export type CommonInput =
  /** A WebSocket is open and the opening text frame is sent on it: the first time, or again after ResumeSession. */
  | { readonly type: 'transport-up' }
  /** The WebSocket is gone or given up. Nothing is lost by it; what happens next is `resume-policy`'s decision. */
  | { readonly type: 'transport-down' }
  /** One binary WebSocket message. Data events point into `bytes`: the pump leaves it alone for good. */
  | { readonly type: 'frame'; readonly bytes: Uint8Array }
  /** The answer to `need-key`, with its epoch; answers to an older question are dropped. */
  | { readonly type: 'key-ready'; readonly epoch: number; readonly key: DataKey }
  | { readonly type: 'key-failed'; readonly epoch: number; readonly error: PgctlError }
  /** The user is done: what is queued is dropped, TerminateSession is sent, and `ended` follows within a second. */
  | { readonly type: 'close' }
  /** The session cannot go on (it was not resumed): everything ends with `error`, at once. */
  | { readonly type: 'give-up'; readonly error: PgctlError }
  | { readonly type: 'tick' }

/** What a port session takes. */
export type PortInput =
  | CommonInput
  /** A local connection was accepted. Allowed before `ready`: it waits. */
  | { readonly type: 'open'; readonly connection: ConnectionId }
  /** Bytes for the far end; the machine keeps `bytes`, and the caller leaves it alone from now on. */
  | { readonly type: 'write'; readonly connection: ConnectionId; readonly bytes: Uint8Array }
  /** `length` bytes of `data` events were taken over by the local side for good. */
  | { readonly type: 'consumed'; readonly connection: ConnectionId; readonly length: Bytes }
  /** The local side will write no more (half-close). It is told to the far end as the session's `halfClose` says. */
  | { readonly type: 'end'; readonly connection: ConnectionId }
  /** The local connection is gone in both directions. No event of it follows but those not polled yet. */
  | { readonly type: 'abort'; readonly connection: ConnectionId }

/** What a terminal session (shell or command) takes. */
export type TerminalInput =
  | CommonInput
  /** What was typed, as it is; the machine keeps `bytes`. */
  | { readonly type: 'input'; readonly bytes: Uint8Array }
  | { readonly type: 'resize'; readonly size: TerminalSize }
  /** `length` bytes of `output` events were written out. */
  | { readonly type: 'output-consumed'; readonly length: Bytes }

// ── out ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SessionFacts {
  /** As the handshake says; undefined for a session that began without one. */
  readonly agentVersion: string | undefined
  /** `Port`, `Standard_Stream`, …; undefined for a session that began without a handshake. */
  readonly sessionType: string | undefined
  /** Whether connections share the session (smux); else one connection at a time. */
  readonly multiplexed: boolean
  readonly encrypted: boolean
  /** What the customer's preferences want shown at the start; may be empty, and holds anything at all. */
  readonly customerMessage: string
}

/** Something that a user should know and that ends nothing. */
export type SessionWarning =
  /** A half-close behind something unanswered was held back for {@link HELD_FIN_QUIET} and is now sent: an answer is lost. */
  | { readonly code: 'half-close-forced'; readonly connection: ConnectionId }
  /**
   * Messages wait, and the agent has acknowledged none for this long, on a WebSocket that works. Once a silence; one
   * that goes on ends the session, as `session-lost`.
   */
  | { readonly code: 'unresponsive'; readonly silentFor: Ms }
  /** The end of such a silence, and how long it was. */
  | { readonly code: 'responsive'; readonly silentFor: Ms }
  /**
   * What local readers have not taken reached the bound, and every connection of the session waits for them.
   * `connection` is the one that holds most, and `held` how much. Once a stretch, which `readers-caught-up` ends.
   */
  | { readonly code: 'readers-behind'; readonly connection: ConnectionId; readonly held: Bytes }
  | { readonly code: 'readers-caught-up' }

/** Why a connection ended. */
export type ConnectionEnd =
  /** The far end closed it (or reset it: the protocol does not tell them apart). */
  | { readonly cause: 'far-end' }
  /** The agent could not connect to the far end. */
  | { readonly cause: 'refused' }
  /** The session is over. `error` is undefined after `close`. */
  | { readonly cause: 'session'; readonly error: PgctlError | undefined }

/** How a session ended. */
export type SessionEnd =
  /** After `close`. */
  | { readonly how: 'closed' }
  /** The agent or the service closed the channel; `output` is why, in their words, and may be empty. */
  | { readonly how: 'far-end'; readonly output: string }
  | { readonly how: 'failed'; readonly error: PgctlError }

/** What every session gives. */
export type CommonOutput =
  /** Data may flow. Given again when a handshake comes after a session was taken to have none: the last one holds. */
  | { readonly type: 'ready'; readonly facts: SessionFacts }
  /** Ask KMS for a data key and answer with `key-ready` or `key-failed` and this epoch. */
  | {
      readonly type: 'need-key'
      readonly epoch: number
      readonly keyId: string
      readonly context: Readonly<Record<string, string>>
    }
  /**
   * Read no more from the WebSocket until `reading-resumed`: what local readers have not taken reached the bound.
   * Pongs and closes are not seen meanwhile, so their deadlines must wait too.
   */
  | { readonly type: 'reading-paused' }
  | { readonly type: 'reading-resumed' }
  | { readonly type: 'warning'; readonly warning: SessionWarning }
  /** The last event. */
  | { readonly type: 'ended'; readonly end: SessionEnd }

/** What a port session gives. */
export type PortOutput =
  | CommonOutput
  /** Bytes from the far end: a view into a frame; count them off with `consumed`. */
  | { readonly type: 'data'; readonly connection: ConnectionId; readonly bytes: Uint8Array }
  /** Write no more to this connection until `writable`. */
  | { readonly type: 'full'; readonly connection: ConnectionId }
  | { readonly type: 'writable'; readonly connection: ConnectionId }
  /** No further `data` follows. What the local side still writes is dropped; `consumed` may still come. */
  | { readonly type: 'connection-ended'; readonly connection: ConnectionId; readonly end: ConnectionEnd }

/** What a terminal session gives. */
export type TerminalOutput =
  | CommonOutput
  /** Bytes of the terminal or the command: a view; count them off with `output-consumed`. */
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  /** The command's own exit status; `ended` follows when the agent closes the channel. */
  | { readonly type: 'exit'; readonly status: number }
  /** Give no more `input` until `input-writable`. */
  | { readonly type: 'input-full' }
  | { readonly type: 'input-writable' }

// ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Bytes handed up and not consumed at which the WebSocket is no longer read. */
export const HELD_HIGH: Bytes = 64 * 1024 * 1024
/** Bytes at which it is read again. */
export const HELD_LOW: Bytes = 48 * 1024 * 1024
/** How long the far side may be silent after the local side ended before FIN is sent all the same. */
export const HELD_FIN_QUIET: Ms = 30_000

// ── observation ─────────────────────────────────────────────────────────────────────────────────────────────────

/** A frozen picture of a session, for tests, measurements and `--debug`. */
export interface SessionStats {
  readonly framesIn: number
  readonly framesOut: number
  /** Payload bytes of stream messages, each counted once. */
  readonly bytesIn: Bytes
  readonly bytesOut: Bytes
  readonly acknowledgementsIn: number
  readonly acknowledgementsOut: number
  readonly retransmissions: number
  /** Stream messages that came again. */
  readonly duplicatesIn: number
  /** Messages that were dropped without effect, for one of {@link IgnoredReason}. */
  readonly ignored: number
  /** Smoothed round trip; undefined before the first sample. */
  readonly roundTrip: Ms | undefined
  readonly retransmitAfter: Ms
  /** Messages that may be in flight, and are. */
  readonly window: number
  readonly inFlight: number
  readonly messageBytes: Bytes
  /** The message size that the way refused; undefined: none so far. */
  readonly refusedMessageBytes: Bytes | undefined
  /** Bytes sent and not acknowledged, and early ones from the agent. */
  readonly unacknowledgedBytes: Bytes
  readonly earlyBytes: Bytes
  /** Bytes accepted from the local side and not sent yet. */
  readonly unsentBytes: Bytes
  /** Bytes handed up and not consumed. */
  readonly heldBytes: Bytes
  /** The last moment (`wall`) at which a user's byte was sent or arrived; undefined before the first. */
  readonly lastActivity: Ms | undefined
}

/** Why a message had no effect; each is a documented choice, none is an error. */
export type IgnoredReason =
  | 'malformed'
  | 'unknown-type'
  | 'unknown-payload'
  | 'not-sent'
  | 'acknowledged-before'
  | 'beyond-window'
  | 'not-connected'
  | 'out-of-place'

/** One line of a debug log. Its type cannot hold a payload byte. */
export type TraceRecord =
  | {
      readonly what: 'sent' | 'sent-again'
      readonly payloadType: number
      readonly sequence: number
      readonly bytes: Bytes
    }
  | {
      readonly what: 'received'
      readonly payloadType: number
      readonly sequence: number
      readonly bytes: Bytes
    }
  | {
      readonly what: 'ignored'
      readonly reason: IgnoredReason
      readonly messageType: string
      readonly bytes: Bytes
    }
  | {
      readonly what: 'window'
      readonly window: number
      readonly messageBytes: Bytes
      readonly retransmitAfter: Ms
    }
  | { readonly what: 'state'; readonly state: string }

/** What every session is made of. */
export interface SessionOptions {
  readonly sessionId: string
  /** The node, as it was named to StartSession: part of the data key's encryption context. */
  readonly targetId: string
  readonly random: RandomBytes
  readonly trace?: ((record: TraceRecord) => void) | undefined
}
