import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Bytes } from '#core/clock.ts'
import { formatProgress, type Progress, parseProgress } from '#core/transfer/resume.ts'

/** More than the longest path takes. */
const SIZE: Bytes = 16 * 1024

/**
 * How far a copy is, in a file that never grows and is written over in place: on a disk that is full by then, the
 * last note is still true.
 */
export class NoteFile {
  readonly #path: string
  #fd: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** What an earlier copy has left; undefined where that says nothing. */
  read(): Progress | undefined {
    try {
      return parseProgress(readFileSync(this.#path, 'utf8'))
    } catch {
      return undefined
    }
  }

  write(progress: Progress): void {
    this.#fd ??= openSync(this.#path, existsSync(this.#path) ? 'r+' : 'w', 0o600)
    writeSync(this.#fd, formatProgress(progress).padEnd(SIZE), 0)
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}
