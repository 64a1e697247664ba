import { once } from 'node:events'
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGunzip, type Gunzip } from 'node:zlib'
import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { quoteWords } from '#core/ssm/command-line.ts'
import type { SessionContext, SessionLife } from '#core/ssm/io/session.ts'
import { failureOf, TerminalRun } from '#core/ssm/io/terminal-run.ts'
import { farFailure } from '#core/transfer/far-failure.ts'
import { downloadWords } from '#core/transfer/far-side.ts'
import { LastWords } from '#core/transfer/io/last-words.ts'
import { destinationHere, hereFailure, stagingOf, sumOf } from '#core/transfer/io/near-side.ts'
import { NoteFile } from '#core/transfer/io/note-file.ts'
import { makeStaging, putInPlace } from '#core/transfer/io/put-in-place.ts'
import { StagedTree } from '#core/transfer/io/staged-tree.ts'
import { type DownloadEvent, type DownloadHead, PieceReader } from '#core/transfer/pieces.ts'
import { lastNameOf } from '#core/transfer/place.ts'
import type { CopyProgress, CopyReport } from '#core/transfer/report.ts'
import type { Progress } from '#core/transfer/resume.ts'
import { differences, parseSums, type Sums } from '#core/transfer/sums.ts'
import { TarReader } from '#core/transfer/tar-reader.ts'

/** What Ctrl-C is on the wire. */
const INTERRUPT = 3
/** What may wait for the disk before the session is told to wait, too. */
const HELD: Bytes = 1024 * 1024
/** How much may come again after this process was killed. */
const NOTE_EVERY: Bytes = 16 * 1024 * 1024

export interface CopyOptions {
  readonly context: SessionContext
  /** The instance. */
  readonly target: string
  readonly near: string
  readonly far: string
  readonly compress: boolean
  readonly reason?: string | undefined
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  readonly onLife?: ((event: SessionLife) => void) | undefined
}

/**
 * Copies a file or a folder from the bastion to this computer. The destination has what it had, or all of the copy:
 * what has arrived waits beside it, in a folder that the next run of the same copy goes on from.
 * @throws PgctlError `path-unknown`, `source-changed`, `copy-corrupt`, `path-unsafe`, `disk-full`; of the session.
 */
export async function download(options: CopyOptions, signal: AbortSignal): Promise<CopyReport> {
  const destination = await destinationHere(options.near, () => lastNameOf(options.far))
  const staging = stagingOf(destination)
  try {
    makeStaging(staging)
  } catch (error) {
    throw hereFailure(error)
  }
  return withFileLock(join(staging, 'lock'), options.context.clock, async () => {
    const copy = new Download(options, destination, staging)
    try {
      return await copy.run(signal)
    } catch (error) {
      throw hereFailure(error)
    }
  })
}

class Download {
  readonly #options: CopyOptions
  readonly #destination: string
  readonly #staging: string
  readonly #tree: StagedTree
  readonly #noteFile: NoteFile
  readonly #reader = new PieceReader()
  readonly #errors = new LastWords()
  readonly #sumParts: Uint8Array[] = []
  #before: Progress | undefined
  #head: DownloadHead | undefined
  #tar = new TarReader()
  #gunzip: Gunzip | undefined
  #unpacking: Promise<void> = Promise.resolve()
  #output: Writable | undefined
  #outcome: Extract<DownloadEvent, { type: 'done' }> | undefined
  #path = ''
  #done: Bytes = 0
  #resumed: Bytes = 0
  #sent: Bytes = 0
  #noted: Bytes = 0

  constructor(options: CopyOptions, destination: string, staging: string) {
    this.#options = options
    this.#destination = destination
    this.#staging = staging
    this.#tree = new StagedTree(staging)
    this.#noteFile = new NoteFile(join(staging, 'progress'))
  }

  async run(signal: AbortSignal): Promise<CopyReport> {
    const { context } = this.#options
    const began = context.clock.now().mono
    this.#before = this.#noteFile.read()
    try {
      await this.#receive(signal)
    } catch (error) {
      this.#tree.close()
      this.#note()
      throw error
    } finally {
      this.#noteFile.close()
    }
    const sums = await this.#verify()
    const kind = (this.#head as DownloadHead).kind
    this.#place(kind)
    return {
      direction: 'download',
      kind,
      destination: this.#destination,
      files: sums.size,
      bytes: this.#done,
      resumed: this.#resumed,
      sent: this.#sent,
      sha256: kind === 'file' ? [...sums.values()][0] : undefined,
      leftOut: this.#tree.leftOut,
      took: context.clock.now().mono - began,
    }
  }

  // ── what arrives ────────────────────────────────────────────────────────────────────────────────────────────────

  async #receive(signal: AbortSignal): Promise<void> {
    const { context, target, far, compress, reason, onLife } = this.#options
    const output = new Writable({
      highWaterMark: HELD,
      write: (chunk: Uint8Array, _encoding, callback) => this.#take(chunk, callback),
    })
    // Whoever waits for it below is told; a failure before that is not nobody's.
    this.#output = output
    const received = finished(output)
    received.catch(() => {})
    const words = downloadWords({
      path: far,
      skip: this.#before?.place.position ?? 0,
      identity: this.#before?.identity ?? '',
      compress,
    })
    await using run = await TerminalRun.start(
      {
        context,
        request: {
          target,
          document: 'AWS-StartNonInteractiveCommand',
          parameters: { command: [quoteWords(words)], separateOutputStream: ['true'] },
          reason,
        },
        stdout: output,
        stderr: this.#errors,
        onLife,
      },
      signal,
    )
    const onAbort = () => {
      // The script there then removes what it needed meanwhile.
      run.type(Uint8Array.of(INTERRUPT))
      output.destroy(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    const outcome = run.outcome.finally(() => output.end())
    try {
      await received
      await this.#unpacking
      const failure = failureOf(await outcome)
      const { status } = await outcome
      if (status !== 0) throw farFailure(far, status, this.#errors.text, failure)
      if (this.#outcome === undefined) throw failure ?? cutShort()
    } finally {
      signal.removeEventListener('abort', onAbort)
      output.destroy()
      this.#gunzip?.destroy()
    }
  }

  /** Most of it is done at once: agents send a kilobyte a message. */
  #take(chunk: Uint8Array, callback: (error?: Error) => void): void {
    this.#sent += chunk.length
    try {
      for (const event of this.#reader.push(chunk)) this.#act(event)
    } catch (error) {
      callback(error as Error)
      return
    }
    const gunzip = this.#gunzip
    if (gunzip?.writableNeedDrain !== true) callback()
    else
      Promise.race([once(gunzip, 'drain'), this.#unpacking]).then(
        () => callback(),
        (error: unknown) => callback(error as Error),
      )
  }

  #act(event: DownloadEvent): void {
    switch (event.type) {
      case 'head':
        this.#begin(event.head)
        break
      case 'archive':
        if (this.#gunzip === undefined) this.#unpack(event.bytes)
        else if (!this.#gunzip.destroyed) this.#gunzip.write(event.bytes)
        break
      case 'sums':
        this.#sumParts.push(event.bytes.slice())
        break
      case 'done':
        this.#gunzip?.end()
        this.#outcome = event
        break
    }
  }

  #begin(head: DownloadHead): void {
    assertReplaceable(this.#destination, head.kind)
    this.#head = head
    const before = this.#before
    const goesOn = head.skip > 0 && before !== undefined && head.skip === before.place.position
    if (goesOn && this.#tree.resume(before.place)) {
      this.#tar = new TarReader(before.place)
      this.#done = before.content
      this.#resumed = before.content
    } else if (head.skip > 0) throw leftoversGone()
    else this.#tree.clear()
    this.#note()
    if (!head.compressed) return
    const gunzip = createGunzip()
    gunzip.on('data', (bytes: Uint8Array) => {
      try {
        this.#unpack(bytes)
      } catch (error) {
        gunzip.destroy(error as Error)
      }
    })
    gunzip.once('error', (error) => this.#output?.destroy(error))
    this.#gunzip = gunzip
    this.#unpacking = once(gunzip, 'close').then(() => {
      if (gunzip.errored) throw gunzip.errored
    })
    this.#unpacking.catch(() => {})
  }

  #unpack(bytes: Uint8Array): void {
    for (const event of this.#tar.push(bytes)) {
      switch (event.type) {
        case 'entry':
          this.#path = event.entry.path
          this.#tree.begin(event.entry)
          break
        case 'content':
          this.#done += event.bytes.length
          this.#tree.write(event.bytes)
          break
        case 'entry-end':
          this.#tree.end(event.entry)
          break
      }
    }
    this.#options.onProgress?.({ path: this.#path, done: this.#done, size: this.#head?.size ?? 0 })
    if (this.#done - this.#noted >= NOTE_EVERY) this.#note()
  }

  // ── what is kept for the next run ───────────────────────────────────────────────────────────────────────────────

  #note(): void {
    const identity = this.#head?.identity
    if (identity === undefined) return
    this.#noted = this.#done
    const { position, entry, done = 0 } = this.#tar.place
    // What the disk has refused did arrive, and is not there.
    const missing = entry?.kind === 'file' ? Math.max(0, done - this.#tree.written) : 0
    this.#noteFile.write({
      identity,
      content: this.#done - missing,
      place:
        entry === undefined ? { position } : { position: position - missing, entry, done: done - missing },
    })
  }

  // ── what is put in its place ────────────────────────────────────────────────────────────────────────────────────

  /** Whether both ends have the same; a copy that has not begins anew the next time. */
  async #verify(): Promise<Sums> {
    const { far } = this.#options
    const { unchanged, status } = this.#outcome as Extract<DownloadEvent, { type: 'done' }>
    if (!unchanged) throw changed(far, this.#errors.text)
    if (status !== 0) throw farFailure(far, status, this.#errors.text, undefined)
    if (!this.#tar.hasEnded) throw cutShort()
    const there = parseSums(Buffer.concat(this.#sumParts).toString('utf8'))
    const here = new Map<string, string>()
    for (const path of there.keys())
      here.set(path, this.#tree.sums.get(path) ?? (await sumOf(join(this.#tree.root, path)).catch(() => '')))
    const [wrong] = differences(there, here)
    if (wrong === undefined) return there
    rmSync(this.#staging, { recursive: true, force: true })
    throw new PgctlError('copy-corrupt', `${wrong} did not arrive as it is on the bastion`, {
      why: `sha256 there ${there.get(wrong)}, here ${here.get(wrong)}`,
      next: 'run the command again: it begins anew',
    })
  }

  #place(kind: 'file' | 'folder'): void {
    this.#tree.makeLinks()
    const folders = this.#tree.folders()
    const { root } = this.#tree
    const [file = ''] = kind === 'file' ? readdirSync(root) : []
    putInPlace(join(root, file), this.#destination)
    if (kind === 'folder') this.#tree.finishFolders(this.#destination, folders)
    rmSync(this.#staging, { recursive: true, force: true })
  }
}

/** A folder does not take the place of a file, nor a file that of a folder: told before anything is sent. */
function assertReplaceable(destination: string, kind: 'file' | 'folder'): void {
  const found = lstatSync(destination, { throwIfNoEntry: false })
  if (found === undefined || found.isSymbolicLink()) return
  if (found.isDirectory() === (kind === 'folder')) return
  throw new PgctlError('failed', `${destination} is ${found.isDirectory() ? 'a folder' : 'no folder'} here`, {
    why: `${basename(destination)} is a ${kind} on the bastion`,
    next: 'copy to another place, or move it away first',
  })
}

function changed(far: string, words: string): PgctlError {
  const names = words
    .split('\n')
    .filter((line) => line.startsWith('changed: '))
    .map((line) => line.slice('changed: '.length))
  return new PgctlError('source-changed', `${far} was changed on the bastion while it was copied`, {
    why: names.length === 0 ? undefined : `among what has changed: ${names.join(', ')}`,
    next: 'run the command again once nothing writes to it, or copy a snapshot of it',
  })
}

function cutShort(): PgctlError {
  return new PgctlError('session-ended', 'the copy was cut short', {
    next: 'run the command again: it goes on where it was',
  })
}

function leftoversGone(): PgctlError {
  return new PgctlError('copy-corrupt', 'what an earlier run has left of this copy is not there any more', {
    next: 'run the command again: it begins anew',
  })
}
