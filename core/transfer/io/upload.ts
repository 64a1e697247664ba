import { createHash, type Hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip, constants as zlib } from 'node:zlib'
import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { uploadCommand } from '#core/transfer/far-side.ts'
import type { CopyOptions } from '#core/transfer/io/download.ts'
import { FarTerminal } from '#core/transfer/io/far-terminal.ts'
import { changesSince, type LocalEntry, type LocalTree, readLocalTree } from '#core/transfer/io/local-tree.ts'
import { hereFailure, sumOf } from '#core/transfer/io/near-side.ts'
import { isWorthPacking } from '#core/transfer/io/packing.ts'
import type { CopyReport } from '#core/transfer/report.ts'
import { differences, parseSums, type Sums } from '#core/transfer/sums.ts'
import { TAR_END, tarHeader, tarPadding } from '#core/transfer/tar-writer.ts'

const READ_SIZE: Bytes = 256 * 1024
/** What the far side takes at once; one process a frame there. */
const FRAME_SIZE: Bytes = 1024 * 1024

/**
 * Copies a file or a folder from this computer to the bastion. The destination has what it had, or all of the copy:
 * what has arrived waits there, beside it, for the next run of the same copy.
 * @throws PgctlError `path-unknown`, `source-changed`, `copy-corrupt`, `disk-full`, `not-supported`; of the session.
 */
export async function upload(options: CopyOptions, signal: AbortSignal): Promise<CopyReport> {
  const tree = await readLocalTree(options.near)
  try {
    return await new Upload(options, tree).run(signal)
  } catch (error) {
    throw hereFailure(error)
  }
}

class Upload {
  readonly #options: CopyOptions
  readonly #tree: LocalTree
  /** What the far side must have in the end, by the names that its list has. */
  readonly #sums = new Map<string, string>()
  readonly #size: Bytes
  #done: Bytes = 0
  #resumed: Bytes = 0
  #sent: Bytes = 0

  constructor(options: CopyOptions, tree: LocalTree) {
    this.#options = options
    this.#tree = tree
    this.#size = tree.entries.reduce((total, { size }) => total + size, 0)
  }

  async run(signal: AbortSignal): Promise<CopyReport> {
    const { context, target, far, reason, onLife } = this.#options
    const { kind, name, entries, leftOut } = this.#tree
    const [top] = entries as readonly [LocalEntry]
    const began = context.clock.now().mono
    const command = uploadCommand({
      path: far,
      name,
      kind,
      mode: top.mode,
      modified: (top.modified / 1000).toFixed(6),
    })
    await using terminal = await FarTerminal.start(
      { context, target, command, path: far, reason, onLife },
      signal,
    )
    await terminal.answer('ready')
    await (kind === 'file' ? this.#sendFile(terminal, top) : this.#sendFolder(terminal))
    await terminal.sendLine('0')
    const there = parseSums((await terminal.answer('sums')).text)
    await this.#assertUnchanged()
    this.#compare(there)
    await terminal.sendLine('keep')
    const { path: destination } = await terminal.answer('stored')
    return {
      direction: 'upload',
      kind,
      destination,
      files: this.#sums.size,
      bytes: this.#size,
      resumed: this.#resumed,
      sent: this.#sent,
      sha256: kind === 'file' ? this.#sums.get('content') : undefined,
      leftOut,
      took: context.clock.now().mono - began,
    }
  }

  // ── one file ────────────────────────────────────────────────────────────────────────────────────────────────────

  async #sendFile(terminal: FarTerminal, entry: LocalEntry): Promise<void> {
    const { root } = this.#tree
    const { size: there } = await terminal.answer('size')
    const sum = parseSums((await terminal.answer('sums')).text).get('content')
    const isSame = there > 0 && there <= entry.size && sum === (await sumOf(root, there))
    this.#resumed = isSame ? there : 0
    this.#done = this.#resumed
    const packs = this.#options.compress && (await isWorthPacking(root))
    await terminal.sendLine(`${isSame ? 'more' : 'fresh'} ${this.#resumed} ${packs ? 'yes' : 'no'}`)
    const hash = createHash('sha256')
    await this.#sendFrames(terminal, this.#fileContent(entry, this.#resumed, hash), packs)
    this.#sums.set('content', this.#resumed === 0 ? hash.digest('hex') : await sumOf(root))
  }

  async *#fileContent(entry: LocalEntry, from: Bytes, hash: Hash): AsyncGenerator<Uint8Array> {
    await using file = await open(this.#tree.root, 'r')
    yield* this.#read(file, entry, from, (bytes) => hash.update(bytes))
  }

  // ── a folder ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What an earlier copy has left and is the same is not sent again; what this computer has not is gone there. */
  async #sendFolder(terminal: FarTerminal): Promise<void> {
    await terminal.answer('size')
    const there = parseSums((await terminal.answer('sums')).text)
    const files = new Map(this.#tree.entries.map((entry) => [`content/${entry.path}`, entry]))
    // Until it makes a link, tar has an empty file in its place.
    const kinds = [...there.keys()].map((path) => files.get(path)?.kind)
    const isOurs = kinds.length > 0 && kinds.every((kind) => kind === 'file' || kind === 'link')
    if (isOurs)
      for (const [path, sum] of there) {
        const entry = files.get(path) as LocalEntry
        if (entry.kind !== 'file' || sum !== (await sumOf(join(this.#tree.root, entry.path)))) continue
        this.#sums.set(path, sum)
        this.#resumed += entry.size
      }
    this.#done = this.#resumed
    const packs = this.#options.compress
    await terminal.sendLine(`${isOurs ? 'more' : 'fresh'} 0 ${packs ? 'yes' : 'no'}`)
    await this.#sendFrames(terminal, this.#archive(), packs)
  }

  async *#archive(): AsyncGenerator<Uint8Array> {
    for (const entry of this.#tree.entries) {
      if (this.#sums.has(`content/${entry.path}`)) continue
      yield tarHeader(entry)
      if (entry.kind !== 'file') continue
      const hash = createHash('sha256')
      if (entry.size > 0 && entry.size <= READ_SIZE) {
        const content = this.#readSmall(entry)
        hash.update(content)
        yield content
        yield tarPadding(entry.size)
      } else if (entry.size > 0) {
        await using file = await open(join(this.#tree.root, entry.path), 'r')
        yield* this.#read(file, entry, 0, (bytes) => hash.update(bytes))
        yield tarPadding(entry.size)
      }
      this.#sums.set(`content/${entry.path}`, hash.digest('hex'))
    }
    yield TAR_END
  }

  // ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** At once: for small files, the waits between the steps would be most of the work. */
  #readSmall(entry: LocalEntry): Uint8Array {
    const content = readFileSync(join(this.#tree.root, entry.path))
    if (content.length !== entry.size) throw changed(this.#options.near, [entry.path])
    this.#done += content.length
    this.#options.onProgress?.({ path: entry.path, done: this.#done, size: this.#size })
    return content
  }

  /** As many bytes as the file had when it was found, or a failure. */
  async *#read(
    file: FileHandle,
    entry: LocalEntry,
    from: Bytes,
    look: (bytes: Uint8Array) => void,
  ): AsyncGenerator<Uint8Array> {
    for (let at = from; at < entry.size; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_SIZE, entry.size - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw changed(this.#options.near, [entry.path || this.#tree.name])
      const bytes = buffer.subarray(0, bytesRead)
      at += bytesRead
      this.#done += bytesRead
      look(bytes)
      this.#options.onProgress?.({ path: entry.path, done: this.#done, size: this.#size })
      yield bytes
    }
  }

  async #sendFrames(
    terminal: FarTerminal,
    content: AsyncIterable<Uint8Array>,
    packs: boolean,
  ): Promise<void> {
    const packed = packs ? gzipped(content) : content
    let held: Uint8Array[] = []
    let size = 0
    const flush = async () => {
      if (size === 0) return
      const frame = Buffer.concat(held)
      held = []
      this.#sent += size
      size = 0
      await terminal.sendLine(String(frame.length))
      await terminal.send(frame)
    }
    for await (const bytes of packed) {
      held.push(bytes)
      size += bytes.length
      if (size >= FRAME_SIZE) await flush()
    }
    await flush()
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #compare(there: Sums): void {
    const [wrong] = differences(this.#sums, there)
    if (wrong === undefined) return
    throw new PgctlError(
      'copy-corrupt',
      `${wrong.replace(/^content\/?/, '') || this.#tree.name} did not arrive`,
      {
        why: `sha256 here ${this.#sums.get(wrong) ?? 'none'}, there ${there.get(wrong) ?? 'none'}`,
        next: 'run the command again: what is not the same is sent anew',
      },
    )
  }

  async #assertUnchanged(): Promise<void> {
    const paths = await changesSince(this.#tree)
    if (paths.length > 0) throw changed(this.#options.near, paths)
  }
}

async function* gzipped(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level: zlib.Z_BEST_SPEED })
  const feeding = (async () => {
    for await (const bytes of content)
      if (!gzip.write(bytes)) await new Promise<void>((resolve) => gzip.once('drain', resolve))
    gzip.end()
  })()
  feeding.catch((error: unknown) => gzip.destroy(error as Error))
  yield* gzip as AsyncIterable<Uint8Array>
  await feeding
}

function changed(near: string, paths: readonly string[]): PgctlError {
  return new PgctlError('source-changed', `${near} was changed while it was copied`, {
    why: `among what has changed: ${paths.slice(0, 3).join(', ')}`,
    next: 'run the command again once nothing writes to it: what has arrived is kept',
  })
}
