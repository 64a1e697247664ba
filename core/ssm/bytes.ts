/**
 * Big-endian numbers, UUIDs and text in byte arrays, as the session protocol writes them.
 *
 * Numbers of 64 bits are plain numbers, as a BigInt a field would be paid for on every kilobyte: what they count
 * here (messages, milliseconds) stays far below 2^53, and a reader refuses what does not.
 */

const TWO_32 = 2 ** 32
/** The high word of the first number that a double cannot hold exactly. */
const UNSAFE_HIGH = 2 ** 21

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  )
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** The number at `at`, or undefined when it is 2^53 or more (which a negative one of the wire is, read unsigned). */
export function readUint64(bytes: Uint8Array, at: number): number | undefined {
  const high = readUint32(bytes, at)
  if (high >= UNSAFE_HIGH) return undefined
  return high * TWO_32 + readUint32(bytes, at + 4)
}

/** Writes a whole number below 2^53. */
export function writeUint64(bytes: Uint8Array, at: number, value: number): void {
  writeUint32(bytes, at, Math.floor(value / TWO_32))
  writeUint32(bytes, at + 4, value % TWO_32)
}

/** Whether `bytes` holds `wanted` at `at`. */
export function bytesEqualAt(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  if (at + wanted.length > bytes.length) return false
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false
  return true
}

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of `bytes`, or undefined when they are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return undefined
  }
}

// ── base64 ──────────────────────────────────────────────────────────────────────────────────────────────────────

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}

/** The bytes that `text` stands for, or undefined when it is no padded standard base64. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

// ── UUIDs ───────────────────────────────────────────────────────────────────────────────────────────────────────
//
//   text   7ec25101-4755-49f2-bfa3-84b9eb620c83
//   wire   bf a3 84 b9 eb 62 0c 83   7e c2 51 01 47 55 49 f2     (the low 8 bytes first)

export const UUID_BYTES = 16
export const UUID_TEXT_LENGTH = 36

const DIGITS = utf8('0123456789abcdef')
const DASH = 0x2d
/** Where each of a UUID's bytes, in the order of its text, stands on the wire. */
const WIRE_ORDER = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7] as const

/** Writes the 36 characters of the UUID whose wire form stands at `from` of `wire`. */
export function writeUuidText(target: Uint8Array, at: number, wire: Uint8Array, from = 0): void {
  let out = at
  for (let i = 0; i < UUID_BYTES; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) target[out++] = DASH
    const byte = wire[from + (WIRE_ORDER[i] as number)] as number
    target[out++] = DIGITS[byte >>> 4] as number
    target[out++] = DIGITS[byte & 15] as number
  }
}

/** The text of the UUID whose wire form stands at `from` of `wire`. */
export function uuidText(wire: Uint8Array, from = 0): string {
  const text = new Uint8Array(UUID_TEXT_LENGTH)
  writeUuidText(text, 0, wire, from)
  return String.fromCharCode(...text)
}

/** Makes a UUID of version 4 in its wire form of 16 random bytes, in place. */
export function stampUuid(wire: Uint8Array): Uint8Array {
  // On the wire the low half comes first: the variant leads byte 0, the version byte 14.
  wire[0] = ((wire[0] as number) & 0x3f) | 0x80
  wire[14] = ((wire[14] as number) & 0x0f) | 0x40
  return wire
}

const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The wire form of a UUID's text, or undefined when it is none. */
export function uuidWire(text: string): Uint8Array | undefined {
  if (!UUID_PATTERN.test(text)) return undefined
  const digits = text.replaceAll('-', '')
  const wire = new Uint8Array(UUID_BYTES)
  for (let i = 0; i < UUID_BYTES; i++) {
    wire[WIRE_ORDER[i] as number] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  }
  return wire
}
