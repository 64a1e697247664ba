/** The bytes of U+FFFD, by which the vendor's agent also marks what is no character. */
const REPLACEMENT = Buffer.from([0xef, 0xbf, 0xbd])
/** The bytes of the longest character. */
const LONGEST = 4

/**
 * What the vendor's agent makes of the output of a process (`processStdoutData`, 3.3): it takes it for UTF-8 and
 * passes on what is none byte by byte. Two things are lost on the way, and are here, too: of a real U+FFFD all but
 * its first byte, and what is no character among the last three bytes of all.
 */
export class OutputText {
  #held: Uint8Array = new Uint8Array(0)

  /** What goes to the client now. */
  push(bytes: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes])
    const end = endOfCharacters(all)
    this.#held = all.subarray(end)
    return withoutReplacements(all.subarray(0, end))
  }
}

function withoutReplacements(bytes: Buffer): Uint8Array {
  let found = bytes.indexOf(REPLACEMENT)
  if (found === -1) return bytes
  const parts: Uint8Array[] = []
  let at = 0
  for (; found !== -1; found = bytes.indexOf(REPLACEMENT, at)) {
    parts.push(bytes.subarray(at, found + 1))
    at = found + REPLACEMENT.length
  }
  parts.push(bytes.subarray(at))
  return Buffer.concat(parts)
}

/** Where, among the last three bytes, the first begins that is no whole character, or U+FFFD; else the end. */
function endOfCharacters(bytes: Buffer): number {
  let at = Math.max(0, bytes.length - LONGEST + 1)
  // A character that began before these is passed over.
  for (let back = 1; back < LONGEST && at - back >= 0; back++) {
    const length = lengthOfCharacter(bytes, at - back)
    if (length > back) {
      at += length - back
      break
    }
  }
  while (at < bytes.length) {
    const length = lengthOfCharacter(bytes, at)
    if (length === 0 || bytes.subarray(at, at + length).equals(REPLACEMENT)) return at
    at += length
  }
  return bytes.length
}

/** 0 where no whole character begins. */
function lengthOfCharacter(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0
  const text = bytes.subarray(at, at + length)
  if (length === 0 || text.length < length) return 0
  const decoded = text.toString('utf8')
  return Buffer.from(decoded).equals(text) ? length : 0
}
