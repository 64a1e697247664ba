import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bytes } from '#core/clock.ts'

const NAME = /^spill-(\d+)-[0-9a-f]+$/
const LENGTH_SIZE: Bytes = 4

/**
 * A queue of texts on disk, for what memory should not hold.
 *
 * ```
 *   length, 4 bytes, big endian │ text, UTF-8 │ length │ text │ …
 * ```
 *
 * The file is readable by its owner alone, and has no name any longer once it is open: whatever becomes of this
 * process, nothing of it stays. Where a system cannot take the name of an open file away, it goes when the file is
 * closed, or at the next start.
 */
export class SpillFile {
  readonly #file: FileHandle
  /** Where the file still has a name. */
  readonly #path: string | undefined
  #readAt = 0
  #writeAt = 0
  /** One operation at a time, as emptying the file moves both ends. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(file: FileHandle, path: string | undefined) {
    this.#file = file
    this.#path = path
  }

  /** Opens one in `folder`, after removing what processes that are no more have left there. */
  static async open(folder: string): Promise<SpillFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await sweep(folder)
    const path = join(folder, `spill-${process.pid}-${randomBytes(8).toString('hex')}`)
    const file = await open(path, 'wx+', 0o600)
    try {
      await rm(path)
      return new SpillFile(file, undefined)
    } catch {
      return new SpillFile(file, path)
    }
  }

  /** Bytes that wait to be read. */
  get held(): Bytes {
    return this.#writeAt - this.#readAt
  }

  /** Adds a text at the end. Rejects when the disk does; the queue is as before then. */
  push(text: string): Promise<void> {
    return this.#inTurn(async () => {
      const bytes = Buffer.byteLength(text)
      const record = Buffer.allocUnsafe(LENGTH_SIZE + bytes)
      record.writeUInt32BE(bytes)
      record.write(text, LENGTH_SIZE)
      for (let done = 0; done < record.length; ) {
        const { bytesWritten } = await this.#file.write(
          record,
          done,
          record.length - done,
          this.#writeAt + done,
        )
        done += bytesWritten
      }
      this.#writeAt += record.length
    })
  }

  /** Takes the first text away; undefined when there is none. */
  shift(): Promise<string | undefined> {
    return this.#inTurn(async () => {
      if (this.held === 0) return undefined
      const length = (await this.#read(LENGTH_SIZE)).readUInt32BE()
      const text = (await this.#read(length)).toString('utf8')
      if (this.held === 0) await this.#empty()
      return text
    })
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {})
    await this.#file.close()
    if (this.#path !== undefined) await rm(this.#path, { force: true })
  }

  async #read(length: Bytes): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, this.#readAt + done)
      if (bytesRead === 0) throw new Error('the file of what memory should not hold has been cut')
      done += bytesRead
    }
    this.#readAt += length
    return bytes
  }

  /** Gives the disk its room back. */
  async #empty(): Promise<void> {
    await this.#file.truncate(0)
    this.#readAt = 0
    this.#writeAt = 0
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(action, action)
    this.#last = done
    return done
  }
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = NAME.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
