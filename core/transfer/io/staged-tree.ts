import { createHash, type Hash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bytes } from '#core/clock.ts'
import { type Entry, staysInside } from '#core/transfer/entry.ts'
import type { LeftOut } from '#core/transfer/report.ts'
import type { TarPlace } from '#core/transfer/tar-reader.ts'

/** A file of this size is on the disk before it gets its name. */
const SYNCED_SIZE: Bytes = 1024 * 1024
const READ_SIZE: Bytes = 256 * 1024
const WRITE_SIZE: Bytes = 256 * 1024

/**
 * What has arrived of a download, in a folder of its own that only the person may enter. Files are written as they
 * come; links are made, and folders get their modes, at the end, so that nothing is ever written through a link or
 * into a folder that is closed. System calls are synchronous: for small files they are all of the work.
 */
export class StagedTree {
  readonly root: string
  /** Of the files that were written from their first byte on. */
  readonly sums = new Map<string, string>()
  readonly leftOut: LeftOut[] = []
  /** One JSON line each: what is to be done at the end. */
  readonly #later: string
  #file: { fd: number; hash: Hash; entry: Entry } | undefined
  /** Content that waits until it is worth a system call. */
  #held: Uint8Array[] = []
  #heldBytes: Bytes = 0
  /** Of the file that was written last: how much of it the disk has taken. */
  #written: Bytes = 0

  constructor(staging: string) {
    this.root = join(staging, 'content')
    this.#later = join(staging, 'later')
  }

  get written(): Bytes {
    return this.#written
  }

  /** Goes on where an earlier copy has stopped; false where what it left is not there. */
  resume({ entry, done = 0 }: TarPlace): boolean {
    if (!existsSync(this.root)) return false
    if (entry === undefined || entry.kind !== 'file') return true
    const path = join(this.root, entry.path)
    if (!existsSync(path)) return false
    const fd = openSync(path, 'r+')
    ftruncateSync(fd, done)
    const hash = createHash('sha256')
    const buffer = new Uint8Array(READ_SIZE)
    let at = 0
    for (let read = -1; at < done && read !== 0; at += read) {
      read = readSync(fd, buffer, 0, buffer.length, at)
      hash.update(buffer.subarray(0, read))
    }
    if (at !== done) {
      closeSync(fd)
      return false
    }
    closeSync(fd)
    this.#file = { fd: openSync(path, 'a'), hash, entry }
    this.#written = done
    return true
  }

  /** Forgets what an earlier copy has left. */
  clear(): void {
    rmSync(this.root, { recursive: true, force: true })
    rmSync(this.#later, { force: true })
    mkdirSync(this.root, { mode: 0o700 })
  }

  begin(entry: Entry): void {
    if (entry.kind === 'other') this.leftOut.push({ path: entry.path, why: 'special-file' })
    else if (entry.kind === 'link') this.#begin(entry, staysInside(entry.path, entry.target))
    else this.#begin(entry, true)
  }

  #begin(entry: Entry, isKept: boolean): void {
    if (!isKept) {
      this.leftOut.push({ path: entry.path, why: 'leads-outside' })
      return
    }
    const path = join(this.root, entry.path)
    if (entry.kind === 'file') {
      const fd = this.#create(path)
      this.#file = { fd, hash: createHash('sha256'), entry }
      this.#written = 0
      return
    }
    if (entry.kind === 'folder') mkdirSync(path, { recursive: true, mode: 0o700 })
    appendFileSync(this.#later, `${JSON.stringify(entry)}\n`, { mode: 0o600 })
  }

  /** The folder is missing only where a tar names none. */
  #create(path: string): number {
    try {
      return openSync(path, 'w', 0o600)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      return openSync(path, 'w', 0o600)
    }
  }

  write(bytes: Uint8Array): void {
    if (this.#file === undefined) return
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    if (this.#heldBytes >= WRITE_SIZE) this.#flush(this.#file)
  }

  #flush({ fd, hash }: { readonly fd: number; readonly hash: Hash }): void {
    const bytes = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    for (let at = 0; at < bytes.length; ) {
      const taken = writeSync(fd, bytes, at)
      at += taken
      this.#written += taken
    }
    hash.update(bytes)
  }

  end(entry: Entry): void {
    const file = this.#file
    if (file === undefined) return
    this.#flush(file)
    this.#file = undefined
    futimesSync(file.fd, entry.modified / 1000, entry.modified / 1000)
    if (entry.size >= SYNCED_SIZE) fsyncSync(file.fd)
    closeSync(file.fd)
    chmodSync(join(this.root, entry.path), entry.mode)
    this.sums.set(entry.path, file.hash.digest('hex'))
  }

  /** Lets go of the file that is open, as it is. */
  close(): void {
    const file = this.#file
    if (file === undefined) return
    this.#file = undefined
    try {
      this.#flush(file)
    } catch {
      // What is not there is counted as not there.
    }
    closeSync(file.fd)
  }

  /** Makes the links, once no file is written any more. */
  makeLinks(): void {
    for (const { kind, path, target, modified } of this.#awaited()) {
      if (kind !== 'link') continue
      const place = join(this.root, path)
      rmSync(place, { force: true })
      symlinkSync(target, place)
      lutimesSync(place, modified / 1000, modified / 1000)
    }
  }

  /** Modes and times of folders, where they have come to stand; the inner ones first. */
  finishFolders(root: string, folders: readonly Entry[]): void {
    for (const { path, mode, modified } of [...folders].reverse()) {
      const place = join(root, path)
      chmodSync(place, mode)
      lutimesSync(place, modified / 1000, modified / 1000)
    }
  }

  folders(): Entry[] {
    return this.#awaited().filter(({ kind }) => kind === 'folder')
  }

  /** Each once, in the order in which they came. */
  #awaited(): Entry[] {
    if (!existsSync(this.#later)) return []
    const entries = new Map<string, Entry>()
    for (const line of readFileSync(this.#later, 'utf8').split('\n')) {
      if (line === '') continue
      const entry = JSON.parse(line) as Entry
      entries.set(entry.path, entry)
    }
    return [...entries.values()]
  }
}
