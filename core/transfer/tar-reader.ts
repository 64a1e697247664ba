import type { Bytes, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { type Entry, KEPT_MODE, safePath } from '#core/transfer/entry.ts'

/*
 *     ┌ 512 ─────────┬ size, filled up to 512 ┬ 512 ────┬ … ┬ 512 zeros ┬ 512 zeros ┐
 *     │ header       │ content                │ header  │   │           │           │
 *     └──────────────┴────────────────────────┴─────────┴───┴───────────┴───────────┘
 *     name 0+100  mode 100+8  size 124+12  mtime 136+12  checksum 148+8  type 156
 *     link 157+100  magic 257+6  prefix 345+155 (ustar only)
 *
 * What does not fit stands in an entry of its own before: `x` records of pax, `L` and `K` of GNU.
 */

const BLOCK = 512
/** No name, and no set of records of one entry, is longer. */
const LONGEST_EXTENSION: Bytes = 1024 * 1024

export type TarEvent =
  | { readonly type: 'entry'; readonly entry: Entry }
  /** A view of what was pushed. */
  | { readonly type: 'content'; readonly bytes: Uint8Array }
  | { readonly type: 'entry-end'; readonly entry: Entry }
  | { readonly type: 'end' }

/** Where a stream goes on that was cut: in front of a header, or inside the content of `entry`. */
export interface TarPlace {
  readonly position: Bytes
  readonly entry?: Entry | undefined
  /** Content of `entry` that is there already. */
  readonly done?: Bytes | undefined
}

/** Values that an extension gives to the entry behind it. */
interface Extension {
  path?: string
  target?: string
  size?: number
  modified?: Ms
}

/** Reads a tar stream (ustar, pax, GNU) however it is cut into pieces. */
export class TarReader {
  /** How far the stream is read: all before this has been given out. */
  #position: Bytes
  #entry: Entry | undefined
  #left: Bytes = 0
  #padding: Bytes = 0
  /** A header or an extension that is not whole yet. */
  #held: Uint8Array[] = []
  #heldBytes: Bytes = 0
  #extensionType: string | undefined
  #extensionBytes: Bytes = 0
  #next: Extension = {}
  /** Where the headers of the entry to come begin. */
  #headersAt: Bytes
  #zeroBlocks = 0
  #ended = false

  constructor({ position, entry, done = 0 }: TarPlace = { position: 0 }) {
    this.#position = position
    this.#headersAt = position
    if (entry === undefined) return
    this.#entry = entry
    this.#left = entry.size - done
    this.#padding = paddingOf(entry.size)
  }

  get hasEnded(): boolean {
    return this.#ended
  }

  /** Where to go on if the stream is cut here. */
  get place(): TarPlace {
    const entry = this.#entry
    return entry === undefined
      ? { position: this.#headersAt }
      : { position: this.#position, entry, done: entry.size - this.#left }
  }

  /** @throws PgctlError `copy-corrupt` for what is no tar stream, `path-unsafe` for an entry outside. */
  *push(bytes: Uint8Array): Generator<TarEvent> {
    let at = 0
    while (!this.#ended) {
      if (this.#entry !== undefined) {
        const length = Math.min(this.#left, bytes.length - at)
        if (length > 0) {
          this.#left -= length
          this.#position += length
          yield { type: 'content', bytes: bytes.subarray(at, at + length) }
          at += length
        }
        if (this.#left > 0) return
        const entry = this.#entry
        this.#entry = undefined
        this.#headersAt = this.#position + this.#padding
        yield { type: 'entry-end', entry }
      }
      const skipped = Math.min(this.#padding, bytes.length - at)
      this.#padding -= skipped
      this.#position += skipped
      at += skipped
      if (this.#padding > 0 || at === bytes.length) return
      const whole = this.#gather(bytes.subarray(at))
      at += whole.taken
      if (whole.block === undefined) return
      yield* this.#block(whole.block)
    }
  }

  /** The next header, or the whole of an extension, once all of it is there. */
  #gather(bytes: Uint8Array): { taken: number; block: Uint8Array | undefined } {
    const wanted = this.#extensionType === undefined ? BLOCK : this.#extensionBytes
    const taken = Math.min(wanted - this.#heldBytes, bytes.length)
    this.#held.push(bytes.slice(0, taken))
    this.#heldBytes += taken
    this.#position += taken
    if (this.#heldBytes < wanted) return { taken, block: undefined }
    const block = Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return { taken, block }
  }

  *#block(block: Uint8Array): Generator<TarEvent> {
    const extension = this.#extensionType
    if (extension !== undefined) {
      this.#extensionType = undefined
      this.#padding = paddingOf(block.length)
      this.#extend(extension, block)
      return
    }
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks++
      if (this.#zeroBlocks < 2) return
      this.#ended = true
      yield { type: 'end' }
      return
    }
    this.#zeroBlocks = 0
    verifyChecksum(block)
    const type = String.fromCharCode(block[156] ?? 0)
    const size = numberAt(block, 124, 12)
    if ('xgLK'.includes(type)) {
      if (size > LONGEST_EXTENSION) throw corrupt('a header of an entry is too long')
      this.#extensionBytes = size
      this.#extensionType = type
      if (size === 0) yield* this.#block(new Uint8Array(0))
      return
    }
    const entry = this.#entryOf(block, type, this.#next.size ?? size)
    this.#next = {}
    this.#entry = entry
    this.#left = entry.size
    this.#padding = paddingOf(entry.size)
    yield { type: 'entry', entry }
  }

  #entryOf(block: Uint8Array, type: string, size: Bytes): Entry {
    const kind = kindOf(type)
    return {
      path: safePath(this.#next.path ?? nameOf(block)),
      kind,
      size: kind === 'file' || kind === 'other' ? size : 0,
      mode: numberAt(block, 100, 8) & KEPT_MODE,
      modified: this.#next.modified ?? numberAt(block, 136, 12) * 1000,
      target: this.#next.target ?? textOf(block.subarray(157, 257)),
    }
  }

  #extend(type: string, content: Uint8Array): void {
    if (type === 'L') this.#next.path = textOf(content)
    else if (type === 'K') this.#next.target = textOf(content)
    else if (type === 'x') this.#next = { ...this.#next, ...paxRecords(content) }
  }
}

function kindOf(type: string): Entry['kind'] {
  if (type === '0' || type === '\0' || type === '7') return 'file'
  if (type === '5') return 'folder'
  return type === '2' ? 'link' : 'other'
}

function nameOf(block: Uint8Array): string {
  const name = textOf(block.subarray(0, 100))
  // GNU's own magic has other things where ustar has the prefix.
  const prefix = textOf(block.subarray(257, 263)) === 'ustar' ? textOf(block.subarray(345, 500)) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** `LENGTH KEY=VALUE\n`, one after the other; LENGTH counts all of the record. */
function paxRecords(content: Uint8Array): Extension {
  const found: Extension = {}
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at)
    const length = Number(textOf(content.subarray(at, space)))
    if (space === -1 || !Number.isInteger(length) || length < 5 || at + length > content.length)
      throw corrupt('a record of an entry has no length')
    const record = content.subarray(space + 1, at + length - 1)
    const equals = record.indexOf(0x3d)
    const value = record.subarray(equals + 1)
    switch (textOf(record.subarray(0, equals))) {
      case 'path':
        found.path = textOf(value)
        break
      case 'linkpath':
        found.target = textOf(value)
        break
      case 'size':
        found.size = amount(textOf(value))
        break
      case 'mtime':
        found.modified = momentOf(textOf(value))
        break
    }
    at += length
  }
  return found
}

/** Octal digits, or GNU's binary form where the first bit is set. */
function numberAt(block: Uint8Array, at: number, length: number): number {
  const field = block.subarray(at, at + length)
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const negative = field[0] === 0xff
    let value = negative ? -1 : (field[0] ?? 0) & 0x7f
    for (const byte of field.subarray(1)) value = value * 256 + byte
    return amount(String(value))
  }
  const digits = textOf(field).trim()
  if (!/^[0-7]*$/.test(digits)) throw corrupt('a number in a header is none')
  return digits === '' ? 0 : Number.parseInt(digits, 8)
}

/** Seconds, with as many digits behind the point as the file system has. */
function momentOf(text: string): Ms {
  const seconds = Number(text)
  if (text === '' || !Number.isFinite(seconds)) throw corrupt('a time in a header is none')
  // A millionth of a second is all that survives the arithmetic.
  return Math.round(seconds * 1_000_000) / 1000
}

function amount(text: string): number {
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value)) throw corrupt('a number in a header is none')
  return value
}

function verifyChecksum(block: Uint8Array): void {
  let sum = 0
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0)
  if (numberAt(block, 148, 8) !== sum) throw corrupt('the checksum of a header is wrong')
}

function paddingOf(size: Bytes): Bytes {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text up to its first NUL. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  try {
    return UTF8.decode(end === -1 ? bytes : bytes.subarray(0, end))
  } catch (cause) {
    throw new PgctlError('not-supported', 'a name there is not UTF-8', {
      why: JSON.stringify(Buffer.from(bytes).toString('latin1')),
      next: 'rename it there, or pack the folder on the bastion and copy the one file',
      cause,
    })
  }
}

function corrupt(why: string): PgctlError {
  return new PgctlError('copy-corrupt', 'what the far side sent is no archive', {
    why,
    next: 'run the command again; what has arrived whole is not copied again',
  })
}
