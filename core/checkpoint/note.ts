import { hash } from 'node:crypto'
import { isSignedBy, isSoundKey, KEY_BYTES, SIGNATURE_BYTES } from '#core/license/ed25519.ts'

/**
 * Signed notes (C2SP signed-note), the form in which transparency logs sign their state, so that anybody's verifier
 * reads ours:
 *
 *   TEXT, which ends in a newline
 *   (an empty line)
 *   — NAME base64(4 bytes of the key's id, signature)
 *
 * Only signatures by Ed25519 (type 1) are made and checked; those of other keys are passed over.
 */

/** A key that signs notes, by the name that it signs under. */
export interface NoteKey {
  readonly name: string
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array
}

export type Opened =
  | { readonly kind: 'signed'; readonly text: string }
  | { readonly kind: 'refused'; readonly why: string }

const ED25519 = 1
const ID_BYTES = 4
const MARK = '— '
/** The line of a signature: the name has neither a space nor a plus. */
const SIGNATURE_LINE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: a note holds none of them.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/
/** More than any note of ours has by far. */
const LONGEST = 64 * 1024
const MOST_SIGNATURES = 16

/** What tells a key apart: the beginning of a digest of its name, its type and itself. */
function idOf({ name, publicKey }: NoteKey): Buffer {
  const input = Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(ED25519), publicKey])
  return hash('sha256', input, 'buffer').subarray(0, ID_BYTES)
}

/** A key as one word for people and programs to pass on: `NAME+ID+KEY`. */
export function encodeNoteKey(key: NoteKey): string {
  const bytes = Buffer.concat([Uint8Array.of(ED25519), key.publicKey])
  return `${key.name}+${idOf(key).toString('hex')}+${bytes.toString('base64')}`
}

/** The key of such a word; undefined where it is none, or its id is not its own. */
export function parseNoteKey(text: string): NoteKey | undefined {
  const [, name = '', id, encoded = ''] =
    /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length !== KEY_BYTES + 1 || bytes[0] !== ED25519 || bytes.toString('base64') !== encoded)
    return undefined
  const key: NoteKey = { name, publicKey: new Uint8Array(bytes.subarray(1)) }
  return isSoundKey(key.publicKey) && idOf(key).toString('hex') === id ? key : undefined
}

/** The note of a text and its signature. @throws Error for a text that no note can hold. */
export function assembleNote(text: string, key: NoteKey, signature: Uint8Array): string {
  if (!text.endsWith('\n') || CONTROL.test(text))
    throw new Error('a note ends in a newline and has no controls')
  return `${text}\n${MARK}${key.name} ${Buffer.concat([idOf(key), signature]).toString('base64')}\n`
}

/** The text of a note, if `key` has signed it. */
export function openNote(note: string, key: NoteKey): Opened {
  const refused = (why: string): Opened => ({ kind: 'refused', why })
  const split = note.lastIndexOf('\n\n')
  if (note.length > LONGEST || split < 0 || !note.endsWith('\n') || CONTROL.test(note))
    return refused('it is no signed note')
  const text = note.slice(0, split + 1)
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > MOST_SIGNATURES) return refused(`it has more than ${MOST_SIGNATURES} signatures`)
  const id = idOf(key)
  let isSigned = false
  for (const line of lines) {
    const [, name, encoded = ''] = SIGNATURE_LINE.exec(line) ?? []
    const bytes = Buffer.from(encoded, 'base64')
    if (name === undefined || bytes.length <= ID_BYTES || bytes.toString('base64') !== encoded)
      return refused('one of its signatures cannot be read')
    if (name !== key.name || !bytes.subarray(0, ID_BYTES).equals(id)) continue
    const signature = bytes.subarray(ID_BYTES)
    // One signature of a known key that is wrong spoils the note, whatever the others are.
    if (signature.length !== SIGNATURE_BYTES || !isSignedBy(key.publicKey, Buffer.from(text), signature))
      return refused('its signature is not one of this text')
    isSigned = true
  }
  return isSigned ? { kind: 'signed', text } : refused(`it is not signed by ${key.name}`)
}
