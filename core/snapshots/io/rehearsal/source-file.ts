import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Bytes } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { roleIn } from '#core/snapshots/rehearsal/dump-header.ts'

/** What a file is, before anything of it is restored. */
export interface SourceFile {
  readonly head: Uint8Array
  readonly tail: Uint8Array
  readonly bytes: Bytes
  readonly sha256: string
}

/** A tar ends with two blocks of nothing. */
const TAIL: Bytes = 1024

/** Reads a file in whole, for its digest. @throws PgctlError `usage` where it cannot be read. */
export async function readSource(path: string, headLength: Bytes, signal: AbortSignal): Promise<SourceFile> {
  try {
    await using file = await open(path)
    const head = new Uint8Array(headLength)
    const { bytesRead } = await file.read(head, 0, headLength, 0)
    const digest = createHash('sha256')
    await pipeline(createReadStream(path), digest, { signal })
    const { size } = await file.stat()
    const tail = new Uint8Array(Math.min(size, TAIL))
    await file.read(tail, 0, tail.length, size - tail.length)
    return { head: head.subarray(0, bytesRead), tail, bytes: size, sha256: digest.digest('hex') }
  } catch (error) {
    signal.throwIfAborted()
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): PgctlError {
  const next = 'name a dump that is whole, and that this account may read'
  return new PgctlError('usage', `cannot read ${path}`, { why: messageOf(cause), next, cause })
}

/** The bytes of a dump as a client takes them: unpacked where they are packed. */
export function streamOf(path: string, isPacked: boolean): Readable {
  const file = createReadStream(path)
  if (!isPacked) return file
  const unpacked = createGunzip()
  file.on('error', (error) => unpacked.destroy(error))
  return file.pipe(unpacked)
}

export interface PlainSurvey {
  /** Roles that it takes for granted, and does not make itself, as it spells them. */
  readonly roles: readonly string[]
  /** Whether it ends as it began: SQL that was cut off between two statements fails nowhere. */
  readonly isWhole: boolean
}

/** Reads a plain dump through. @throws PgctlError `usage` where it cannot be unpacked. */
export async function surveyPlain(
  path: string,
  isPacked: boolean,
  signal: AbortSignal,
): Promise<PlainSurvey> {
  const [needed, made] = [new Set<string>(), new Set<string>()]
  const open = new Set<string>()
  try {
    for await (const line of createInterface({ input: streamOf(path, isPacked), crlfDelay: Infinity })) {
      signal.throwIfAborted()
      const [, what, complete] = /^-- PostgreSQL database (cluster )?dump( complete)?$/.exec(line) ?? []
      if (complete !== undefined) open.delete(what ?? '')
      else if (line.startsWith('-- PostgreSQL database ')) open.add(what ?? '')
      const role = roleIn(line)
      if (role !== undefined) (role.made ? made : needed).add(role.name)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw unreadable(path, error)
  }
  return { roles: [...needed].filter((name) => !made.has(name)), isWhole: open.size === 0 }
}
