import { constants } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Bytes } from '#core/clock.ts'
import { type Line, LineCutter } from '../lines.ts'
import { HEAD_BYTES, headOf, inOrder, type LogFile, type Place, type Start, startIn } from '../places.ts'

/** So much is read at once. */
const CHUNK: Bytes = 64 * 1024
/** Files are renamed while they are looked at: then all of them are looked at anew. */
const MOST_LOOKS = 5

/** A file that was there when it was looked at. */
interface FoundFile extends LogFile {
  readonly path: string
  readonly inode: number
}

interface Current {
  readonly handle: FileHandle
  readonly inode: number
  readonly cutter: LineCutter
}

/** That something of the log was not seen, or is seen again. */
export type ReadingTrouble = NonNullable<Start['trouble']>

/**
 * Reads the audit's log through its rotation, from a place on: line by line, each with its place. A line that has no end
 * yet waits for it. Files are opened for reading alone, and one that is renamed or deleted meanwhile is read to its end.
 */
export class AuditLogReader implements AsyncDisposable {
  readonly #log: string
  readonly #onTrouble: (trouble: ReadingTrouble) => void
  #place: Place | undefined
  #current: Current | undefined
  /** The file that was read last, when it has been read to its end: the inode of a deleted one may be another's. */
  #left: string | undefined

  constructor(log: string, place: Place | undefined, onTrouble: (trouble: ReadingTrouble) => void) {
    this.#log = log
    this.#place = place
    this.#onTrouble = onTrouble
  }

  /** The next lines; none where there are none yet. @throws an error of the file system; the next call tries again. */
  async next(): Promise<readonly Line[]> {
    for (;;) {
      this.#current ??= await this.#open()
      if (this.#current === undefined) return []
      const lines = await this.#read(this.#current)
      if (lines === undefined) {
        if (!(await this.#isRotated(this.#current))) return []
        // What was written before it was renamed may have come after it was read.
        const rest = (await this.#read(this.#current)) ?? (await this.#leave(this.#current))
        if (rest.length > 0) return rest
      } else if (lines.length > 0) return lines
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.handle.close()
    this.#current = undefined
  }

  /** Undefined at the end of the file. */
  async #read({ handle, cutter }: Current): Promise<Line[] | undefined> {
    const buffer = Buffer.alloc(CHUNK)
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, cutter.next)
    return bytesRead === 0 ? undefined : cutter.push(buffer.subarray(0, bytesRead))
  }

  async #isRotated({ inode }: Current): Promise<boolean> {
    const now = await inodeOf(this.#log)
    return now !== undefined && now !== inode
  }

  async #leave({ handle, cutter }: Current): Promise<Line[]> {
    const lines = cutter.finish()
    this.#left = cutter.head
    this.#current = undefined
    await handle.close()
    return lines
  }

  /** The file to read, at the place to go on from; undefined where there is none, or nothing in it yet. */
  async #open(): Promise<Current | undefined> {
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      const files = await this.#look()
      if (files === undefined) continue
      const start = this.#startIn(files)
      const file = start === undefined ? undefined : files[start.index]
      if (start === undefined || file?.head === undefined) return undefined
      const handle = await openToRead(file.path)
      if (handle === undefined || (await handle.stat()).ino !== file.inode) {
        await handle?.close()
        continue
      }
      if (start.trouble !== undefined) this.#onTrouble(start.trouble)
      this.#place = undefined
      this.#left = undefined
      const cutter = new LineCutter({ head: file.head, offset: start.offset })
      return { handle, inode: file.inode, cutter }
    }
    return undefined
  }

  #startIn(files: readonly FoundFile[]): Start | undefined {
    if (this.#left === undefined) return startIn(files, this.#place)
    const last = files.findIndex(({ head }) => head === this.#left)
    if (last === files.length - 1 && last !== -1) return undefined
    return { index: last + 1, offset: 0, trouble: last === -1 ? 'gone' : undefined }
  }

  /** All files of the log, the oldest first; undefined where they were renamed meanwhile. */
  async #look(): Promise<FoundFile[] | undefined> {
    const folder = dirname(this.#log)
    const before = await inodeOf(this.#log)
    const found: FoundFile[] = []
    const names = inOrder(await readdir(folder), basename(this.#log))
    for (const name of names) {
      const path = join(folder, name)
      const handle = await openToRead(path)
      if (handle === undefined) return undefined
      try {
        const { ino, size } = await handle.stat()
        const buffer = Buffer.alloc(HEAD_BYTES)
        const { bytesRead } = await handle.read(buffer, 0, HEAD_BYTES, 0)
        const final = name !== names.at(-1)
        // An old file without anything in it is nothing to read.
        if (final && bytesRead === 0) continue
        found.push({ path, inode: ino, size, head: headOf(buffer.subarray(0, bytesRead), final) })
      } finally {
        await handle.close()
      }
    }
    return (await inodeOf(this.#log)) === before ? found : undefined
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  return orGone(stat(path).then(({ ino }) => ino))
}

/** Undefined for one that has been renamed meanwhile; a link is not followed. */
async function openToRead(path: string): Promise<FileHandle | undefined> {
  return orGone(open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
}

async function orGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
