import { hash } from 'node:crypto'
import type { Bytes, Ms, RandomBytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import {
  bytesEqualAt,
  readUint32,
  readUint64,
  stampUuid,
  UUID_BYTES,
  utf8,
  uuidText,
  writeUint32,
  writeUint64,
} from '#core/ssm/bytes.ts'
import {
  AT_CREATED_DATE,
  AT_DIGEST,
  AT_FLAGS,
  AT_MESSAGE_ID,
  AT_MESSAGE_TYPE,
  AT_PAYLOAD_TYPE,
  AT_SCHEMA_VERSION,
  AT_SEQUENCE,
  HEADER_BYTES,
  MESSAGE_TYPE_BYTES,
  type MessageType,
  PAYLOAD_OFFSET,
  SCHEMA_VERSION,
} from '#core/ssm/constants.ts'

/** The longest frame that is looked at: agents send 1,024 bytes a message, and 32 KiB where they were taught to. */
export const MAX_FRAME_BYTES: Bytes = 4 * 1024 * 1024

/** One message of the data channel: one binary WebSocket frame. */
export interface Message {
  /** A {@link MessageType}, or what a newer peer calls its own. */
  readonly type: string
  readonly createdDate: Ms
  readonly sequence: number
  readonly flags: number
  /** The UUID in its wire form (16 bytes, low half first). */
  readonly messageId: Uint8Array
  readonly payloadType: number
  readonly payload: Uint8Array
}

/** A message to encode: its type is one that we know. */
export interface OutgoingMessage extends Message {
  readonly type: MessageType
}

const SPACE = 0x20

function paddedType(type: MessageType): Uint8Array {
  return utf8(type.padEnd(MESSAGE_TYPE_BYTES, ' '))
}

/** Known types with their padded and bare names; the first two are nearly all of the traffic. */
const KNOWN_TYPES: ReadonlyArray<{ type: MessageType; padded: Uint8Array }> = (
  [
    'output_stream_data',
    'acknowledge',
    'input_stream_data',
    'channel_closed',
    'start_publication',
    'pause_publication',
    'agent_session_state',
  ] satisfies MessageType[]
).map((type) => ({ type, padded: paddedType(type) }))

const PADDED_TYPE = Object.fromEntries(KNOWN_TYPES.map(({ type, padded }) => [type, padded])) as Record<
  MessageType,
  Uint8Array
>

/** The message as the binary frame that carries it. */
export function encodeMessage(message: OutgoingMessage): Uint8Array {
  const { payload } = message
  const frame = Buffer.allocUnsafe(PAYLOAD_OFFSET + payload.length)
  writeUint32(frame, 0, HEADER_BYTES)
  frame.set(PADDED_TYPE[message.type], AT_MESSAGE_TYPE)
  writeUint32(frame, AT_SCHEMA_VERSION, SCHEMA_VERSION)
  writeUint64(frame, AT_CREATED_DATE, message.createdDate)
  writeUint64(frame, AT_SEQUENCE, message.sequence)
  writeUint64(frame, AT_FLAGS, message.flags)
  frame.set(message.messageId, AT_MESSAGE_ID)
  frame.set(digestOf(payload), AT_DIGEST)
  writeUint32(frame, AT_PAYLOAD_TYPE, message.payloadType)
  writeUint32(frame, HEADER_BYTES, payload.length)
  frame.set(payload, PAYLOAD_OFFSET)
  return frame
}

/**
 * The message of a binary frame. Its bytes are views into `frame`: copy what is kept.
 *
 * Everything that the protocol fixes is checked before anything is used: lengths against the frame, the digest, a
 * sequence below 2^53. Messages without a payload have no digest worth checking, and `start_publication` and
 * `pause_publication` come from the service, which fills in neither digest nor date.
 *
 * @throws PgctlError `protocol-violation`
 */
export function decodeMessage(frame: Uint8Array): Message {
  const message = decodeUnverified(frame)
  const { type, payload } = message
  if (payload.length > 0 && carriesDigest(type) && !bytesEqualAt(frame, AT_DIGEST, digestOf(payload))) {
    throw malformed('does not have the digest of its payload')
  }
  return message
}

/**
 * The message of a frame whose digest is not looked at, as the vendor's agent reads it: there are clients that fill in
 * something else and have always been served.
 *
 * @throws PgctlError `protocol-violation` for everything else that {@link decodeMessage} checks.
 */
export function decodeUnverified(frame: Uint8Array): Message {
  if (frame.length < PAYLOAD_OFFSET) throw malformed(`is ${frame.length} bytes long, less than a header`)
  if (frame.length > MAX_FRAME_BYTES) throw malformed(`is ${frame.length} bytes long`)
  const headerLength = readUint32(frame, 0)
  if (headerLength < HEADER_BYTES || headerLength + 4 > frame.length) {
    throw malformed(`says that its header is ${headerLength} bytes long`)
  }
  const payloadAt = headerLength + 4
  const payloadLength = readUint32(frame, headerLength)
  if (payloadLength !== frame.length - payloadAt) {
    throw malformed(`says ${payloadLength} bytes of payload and holds ${frame.length - payloadAt}`)
  }
  const type = messageTypeOf(frame)
  const sequence = readUint64(frame, AT_SEQUENCE)
  const createdDate = readUint64(frame, AT_CREATED_DATE)
  const flags = readUint64(frame, AT_FLAGS)
  if (sequence === undefined) throw malformed('has a sequence number that is negative or beyond 2^53')
  if (createdDate === undefined || flags === undefined) throw malformed('has a date or flags beyond 2^53')
  const payload = frame.subarray(payloadAt)
  return {
    type,
    createdDate,
    sequence,
    flags,
    messageId: frame.subarray(AT_MESSAGE_ID, AT_MESSAGE_ID + UUID_BYTES),
    payloadType: readUint32(frame, AT_PAYLOAD_TYPE),
    payload,
  }
}

function carriesDigest(type: string): boolean {
  return type !== 'start_publication' && type !== 'pause_publication'
}

function malformed(fault: string): PgctlError {
  return new PgctlError('protocol-violation', `a message of the session ${fault}`, {
    next: 'run the command again; if it fails so again, report it with the version of the agent (pgctl status, or aws ssm describe-instance-information)',
  })
}

function digestOf(payload: Uint8Array): Uint8Array {
  return hash('sha256', payload, 'buffer')
}

function messageTypeOf(frame: Uint8Array): string {
  for (const { type, padded } of KNOWN_TYPES) if (isNamed(frame, type.length, padded)) return type
  return unknownType(frame)
}

/** Whether the frame bears the name, whatever it is padded with: `channel_closed` comes with NULs. */
function isNamed(frame: Uint8Array, length: number, padded: Uint8Array): boolean {
  for (let i = 0; i < MESSAGE_TYPE_BYTES; i++) {
    const byte = frame[AT_MESSAGE_TYPE + i]
    if (byte !== padded[i] && (i < length || byte !== 0)) return false
  }
  return true
}

/** A name that we do not know, for the trace: printable ASCII, as it goes to people's terminals. */
function unknownType(frame: Uint8Array): string {
  let text = ''
  for (const byte of frame.subarray(AT_MESSAGE_TYPE, AT_MESSAGE_TYPE + MESSAGE_TYPE_BYTES)) {
    text += byte === 0 ? ' ' : byte < SPACE || byte > 0x7e ? '?' : String.fromCharCode(byte)
  }
  return text.trim()
}

/** How many ids are made of one draw of chance: the system's source costs a call, not a byte. */
const IDS_A_DRAW = 256

/** Makes random UUIDs (version 4), in their wire form. */
export class MessageIds {
  readonly #random: RandomBytes
  #pool: Uint8Array = new Uint8Array(0)
  #used = 0

  constructor(random: RandomBytes) {
    this.#random = random
  }

  /** A new id; the view is the caller's alone. */
  next(): Uint8Array {
    if (this.#used === this.#pool.length) {
      this.#pool = this.#random(UUID_BYTES * IDS_A_DRAW)
      this.#used = 0
    }
    const id = this.#pool.subarray(this.#used, this.#used + UUID_BYTES)
    this.#used += UUID_BYTES
    return stampUuid(id)
  }

  /** A new id as text, for the fields of JSON payloads. */
  nextText(): string {
    return uuidText(this.next())
  }
}
