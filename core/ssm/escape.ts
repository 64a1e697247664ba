/**
 * The way out of a session that does not answer: `~.` at the start of a line, as every ssh user's fingers know.
 *
 * In raw mode Ctrl-C belongs to the far side, so a dead connection would hold the terminal for ever without this.
 * `~~` sends one `~`; a `~` before anything else is sent as it is, once the next key is there.
 */

const TILDE = 0x7e
const DOT = 0x2e
const RETURN = 0x0d
const NEWLINE = 0x0a

export type EscapeState = 'line-start' | 'tilde' | 'within-line'

export interface Escaped {
  readonly state: EscapeState
  /** What travels. */
  readonly bytes: Uint8Array
  /** Whether the person asked to leave; what follows in the same input is dropped. */
  readonly leave: boolean
}

/** Takes typed bytes, and returns what of them travels. */
export function watchForEscape(state: EscapeState, input: Uint8Array): Escaped {
  const bytes = new Uint8Array(input.length + 1)
  let length = 0
  let now = state
  for (const byte of input) {
    if (now === 'tilde' && byte === DOT) return { state: now, bytes: bytes.subarray(0, length), leave: true }
    if (now === 'line-start' && byte === TILDE) {
      now = 'tilde'
      continue
    }
    if (now === 'tilde' && byte !== TILDE) bytes[length++] = TILDE
    bytes[length++] = byte
    now = byte === RETURN || byte === NEWLINE ? 'line-start' : 'within-line'
  }
  return { state: now, bytes: bytes.subarray(0, length), leave: false }
}
