import { JsonRecord, type JsonRole, roleOf } from '#core/logs/formats/json-record.ts'
import type { LogRecord } from '#core/logs/record.ts'

/**
 * Reads the JSON that nearly every line is, one flat object of printable ASCII without escapes, in one pass over its
 * bytes and without building its objects: what a logger writes has the same names in the same order, line after line,
 * so each name is guessed from the one before and only compared.
 *
 * ```
 *   {"level":30,"time":1764000000000,"req":{"method":"GET"},"msg":"request completed"}
 *    └─ expected at the start, then `time` after it, then `req` …
 * ```
 */

/** Longer lines are few, and not worth the memory. */
const LONGEST = 16 * 1024
/** Whole numbers of so many digits are exact. */
const EXACT_DIGITS = 15
/** Others that are, written as `String` would write them. */
const NUMBER = /^-?(?:[1-9]\d{0,14}|(?:0|[1-9]\d{0,6})\.\d{0,5}[1-9])$/
/** Names that are remembered below one; a log whose names never repeat must not fill the memory. */
const REMEMBERED = 256
const WORDS = ['true', 'false', 'null'] as const

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const DELETE = 0x7f

/** A name in a place: `req`, or `req.method`. */
class Key {
  /** As it is written, with quotes and colon. */
  readonly written: Buffer
  /** With the name around it. */
  readonly name: string
  readonly role: JsonRole | undefined
  /** The one that came after it last. */
  next: Key | undefined
  /** The first one inside it. */
  first: Key | undefined
  readonly inside = new Map<string, Key>()
  /** The line that it was last met in. */
  line = 0

  constructor(written: Buffer, name: string, role: JsonRole | undefined) {
    this.written = written
    this.name = name
    this.role = role
  }
}

class FlatJsonReader {
  readonly #root = new Key(Buffer.alloc(0), '', undefined)
  readonly #bytes = Buffer.alloc(LONGEST + 1)
  #line = 0
  #text = ''
  #at = 0
  #record = new JsonRecord()

  /** Undefined for whatever is not of the simple kind, JSON or not. */
  read(text: string): LogRecord | undefined {
    const { length } = text
    // Each character one byte: the text is ASCII, and a place in the one is the same place in the other.
    if (length > LONGEST || this.#bytes.write(text, 'utf8') !== length) return undefined
    this.#bytes[length] = 0
    this.#line += 1
    this.#text = text
    this.#at = 0
    this.#record = new JsonRecord()
    const isRead = this.#bytes[0] === OPEN && this.#readObject(this.#root, true)
    this.#text = ''
    return isRead && this.#at === length ? { ...this.#record.finish(), isPrintable: true } : undefined
  }

  /** From the opening brace on. */
  #readObject(parent: Key, isOutermost: boolean): boolean {
    const bytes = this.#bytes
    this.#at += 1
    if (bytes[this.#at] === CLOSE) {
      this.#at += 1
      return true
    }
    for (let before: Key | undefined; ; ) {
      const key = this.#readKey(parent, before)
      if (key === undefined || !this.#readValue(key, isOutermost)) return false
      before = key
      const end = bytes[this.#at]
      this.#at += 1
      if (end === CLOSE) return true
      if (end !== COMMA) return false
      if (bytes[this.#at] === SPACE) this.#at += 1
    }
  }

  /** Reads a name with its colon. */
  #readKey(parent: Key, before: Key | undefined): Key | undefined {
    let key = before === undefined ? parent.first : before.next
    if (key === undefined || !this.#isNext(key)) {
      key = this.#lookUp(parent)
      if (key === undefined) return undefined
      if (before === undefined) parent.first = key
      else before.next = key
    }
    // Of a name that is there twice the last counts, in the first's place.
    if (key.line === this.#line) return undefined
    key.line = this.#line
    this.#at += key.written.length
    if (this.#bytes[this.#at] === SPACE) this.#at += 1
    return key
  }

  #isNext({ written }: Key): boolean {
    const bytes = this.#bytes
    const from = this.#at
    for (let index = 0; index < written.length; index++)
      if (bytes[from + index] !== written[index]) return false
    return true
  }

  #lookUp(parent: Key): Key | undefined {
    if (this.#bytes[this.#at] !== QUOTE) return undefined
    const end = this.#endOfText(this.#at + 1)
    // Names that are numbers come first in an object, wherever they are written.
    if (end === -1 || this.#bytes[end + 1] !== COLON || isDigit(this.#bytes[this.#at + 1])) return undefined
    const known = parent.inside.get(this.#text.slice(this.#at + 1, end))
    if (known !== undefined) return known
    if (parent.inside.size >= REMEMBERED) {
      parent.inside.clear()
      parent.first = undefined
    }
    const written = Buffer.from(this.#bytes.subarray(this.#at, end + 2))
    // Made of a copy, as a slice would keep alive the text around it.
    const name = written.toString('latin1', 1, written.length - 2)
    const key =
      parent === this.#root
        ? new Key(written, name, roleOf(name))
        : new Key(written, `${parent.name}.${name}`, undefined)
    parent.inside.set(name, key)
    return key
  }

  #readValue(key: Key, isOutermost: boolean): boolean {
    const first = this.#bytes[this.#at]
    if (first === QUOTE) {
      const from = this.#at + 1
      const end = this.#endOfText(from)
      if (end === -1) return false
      if (key.role !== 'known') this.#record.addText(key.name, key.role, this.#text.slice(from, end))
      this.#at = end + 1
      return true
    }
    // What is deeper is shown as JSON, and of an error in another way.
    if (first === OPEN) return isOutermost && key.role === undefined && this.#readObject(key, false)
    return isDigit(first) || first === MINUS ? this.#readNumber(key) : this.#readWord(key)
  }

  /** Where the quote is that ends a text without escapes; -1 for another text. */
  #endOfText(from: number): number {
    const bytes = this.#bytes
    for (let at = from; ; at++) {
      const byte = bytes[at] as number
      if (byte === QUOTE) return at
      if (byte < SPACE || byte === BACKSLASH || byte === DELETE) return -1
    }
  }

  #readNumber(key: Key): boolean {
    const bytes = this.#bytes
    const from = this.#at
    let to = from
    while (isDigit(bytes[to])) to += 1
    const digits = to - from
    const isExact =
      digits > 0 && digits <= EXACT_DIGITS && (digits === 1 || bytes[from] !== ZERO) && endsAt(bytes[to])
    while (!endsAt(bytes[to])) to += 1
    this.#at = to
    if (key.role === 'known' && isExact) return true
    const shown = this.#text.slice(from, to)
    if (!isExact && !NUMBER.test(shown)) return false
    this.#record.addScalar(key.name, key.role, shown, key.role === 'level' ? Number(shown) : undefined)
    return true
  }

  #readWord(key: Key): boolean {
    for (const word of WORDS)
      if (this.#text.startsWith(word, this.#at)) {
        this.#record.addScalar(key.name, key.role, word, undefined)
        this.#at += word.length
        return true
      }
    return false
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE
}

/** Whether a number ends before it; the text ends with a zero. */
function endsAt(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE || byte === 0
}

const reader = new FlatJsonReader()

/** A line of flat JSON; undefined for anything else, which may be JSON all the same. */
export function parseFlatJson(text: string): LogRecord | undefined {
  return reader.read(text)
}
