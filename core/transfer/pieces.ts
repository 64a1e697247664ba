import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

/*
 *     pgctl-cp 1 IDENTITY file|folder yes|no SKIP SIZE ENTRIES\n     zip: yes or no
 *     R 1048576\n…bytes…\n                                           a piece of the archive, as it is
 *     B 1048576\n…base64…\n                                          a piece that would not arrive as it is
 *     sums\n  R 4711\n…\n                                            pieces of sha256sum's list
 *     done yes|no STATUS\n                                           whether nothing has changed; tar's status
 */

/** What the far side says of what it is about to send. */
export interface DownloadHead {
  /** Stands for names, sizes, modes and times of all of it. */
  readonly identity: string
  readonly kind: 'file' | 'folder'
  readonly compressed: boolean
  /** Where in the archive it begins. */
  readonly skip: Bytes
  /** Of all files together. */
  readonly size: Bytes
  readonly entries: number
}

export type DownloadEvent =
  | { readonly type: 'head'; readonly head: DownloadHead }
  | { readonly type: 'archive'; readonly bytes: Uint8Array }
  | { readonly type: 'sums'; readonly bytes: Uint8Array }
  | { readonly type: 'done'; readonly unchanged: boolean; readonly status: number }

const LONGEST_LINE: Bytes = 512
const LARGEST_PIECE: Bytes = 16 * 1024 * 1024
const HEAD = /^pgctl-cp 1 ([0-9a-f]{64}) (file|folder) (yes|no) (\d+) (\d+) (\d+)$/

/** Reads what the script of a download prints, however it is cut. */
export class PieceReader {
  #section: 'head' | 'archive' | 'sums' | 'done' = 'head'
  #line = ''
  /** What is left of a piece, the line break behind it apart. */
  #piece: { readonly base64: boolean; left: Bytes } | undefined
  #base64: Uint8Array[] = []
  #breakIsDue = false;

  /** @throws PgctlError `copy-corrupt` */
  *push(bytes: Uint8Array): Generator<DownloadEvent> {
    for (let at = 0; at < bytes.length; ) {
      const piece = this.#piece
      if (piece !== undefined) {
        const part = bytes.subarray(at, at + piece.left)
        piece.left -= part.length
        at += part.length
        if (piece.base64) this.#base64.push(part.slice())
        else yield this.#content(part)
        if (piece.left > 0) return
        if (piece.base64) yield this.#content(this.#decoded())
        this.#piece = undefined
        this.#breakIsDue = true
        continue
      }
      const end = bytes.indexOf(0x0a, at)
      this.#line += Buffer.from(bytes.subarray(at, end === -1 ? bytes.length : end)).toString('latin1')
      if (this.#line.length > LONGEST_LINE) throw garbled(this.#line)
      if (end === -1) return
      at = end + 1
      const line = this.#line
      this.#line = ''
      if (this.#breakIsDue) {
        this.#breakIsDue = false
        if (line !== '') throw garbled(line)
      } else {
        const event = this.#read(line)
        if (event !== undefined) yield event
      }
    }
  }

  #content(bytes: Uint8Array): DownloadEvent {
    return { type: this.#section === 'sums' ? 'sums' : 'archive', bytes }
  }

  #decoded(): Uint8Array {
    const decoded = Buffer.from(Buffer.concat(this.#base64).toString('latin1'), 'base64')
    this.#base64 = []
    return decoded
  }

  #read(line: string): DownloadEvent | undefined {
    if (this.#section === 'head') {
      const head = parseHead(line)
      this.#section = 'archive'
      return { type: 'head', head }
    }
    const [, form, size] = /^([RB]) (\d+)$/.exec(line) ?? []
    const length = Number(size)
    if (form !== undefined && length > 0 && length <= LARGEST_PIECE && this.#section !== 'done') {
      const base64 = form === 'B'
      this.#piece = { base64, left: base64 ? 4 * Math.ceil(length / 3) : length }
      return undefined
    }
    if (this.#section === 'archive' && line === 'sums') {
      this.#section = 'sums'
      return undefined
    }
    const [, same, status] = /^done (yes|no) (\d+)$/.exec(line) ?? []
    if (this.#section !== 'sums' || status === undefined) throw garbled(line)
    this.#section = 'done'
    return { type: 'done', unchanged: same === 'yes', status: Number(status) }
  }
}

function parseHead(line: string): DownloadHead {
  const [, identity, kind, zip, skip, size, entries] = HEAD.exec(line) ?? []
  if (identity === undefined) throw garbled(line)
  return {
    identity,
    kind: kind === 'file' ? 'file' : 'folder',
    compressed: zip === 'yes',
    skip: Number(skip),
    size: Number(size),
    entries: Number(entries),
  }
}

function garbled(line: string): PgctlError {
  return new PgctlError('copy-corrupt', 'the far side sent something else than a copy', {
    why: `this was not expected: ${JSON.stringify(line.slice(0, 100))}`,
    next: 'run the command again; if it fails so again, see what a command prints there: pgctl exec -- true',
  })
}
