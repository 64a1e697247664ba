import { readFileSync } from 'node:fs'

/** One message recorded from the vendor's own client and agent. */
export interface SessionVector {
  readonly name: string
  readonly direction: string
  /** Absent: a binary frame. */
  readonly frame?: 'text'
  readonly messageType?: string
  readonly sequence?: number
  readonly flags?: number
  readonly payloadType?: number
  readonly payloadLength?: number
  readonly hex: string
}

const file = new URL('../vectors/session-vectors.json', import.meta.url)

export const sessionVectors: readonly SessionVector[] = (
  JSON.parse(readFileSync(file, 'utf8')) as { messages: SessionVector[] }
).messages

/** The bytes of the vector `name`, a fresh copy. */
export function vectorBytes(name: string): Uint8Array {
  const vector = sessionVectors.find((candidate) => candidate.name === name)
  if (vector === undefined) throw new Error(`There is no vector ${name}`)
  return new Uint8Array(Buffer.from(vector.hex, 'hex'))
}

/** The data key of the recorded sessions with encryption: bytes 00 to 3f. */
export const vectorDataKey: Uint8Array = Uint8Array.from({ length: 64 }, (_, i) => i)

/** What the recorded fake KMS called that key's ciphertext. */
export const vectorKeyCiphertext: Uint8Array = new Uint8Array(Buffer.from('blob-of-the-fake-kms'))
