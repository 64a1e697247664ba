import type { Bytes } from '#core/clock.ts'
import type { Entry } from '#core/transfer/entry.ts'
import type { TarPlace } from '#core/transfer/tar-reader.ts'

/** How far a download has come, as it is written beside what has arrived. */
export interface Progress {
  /** Of what it is a copy. */
  readonly identity: string
  readonly place: TarPlace
  /** Content of files that has arrived by then. */
  readonly content: Bytes
}

/** One line of JSON. */
export function formatProgress({ identity, place, content }: Progress): string {
  return `${JSON.stringify({ version: 1, identity, content, ...place })}\n`
}

/** Reads it; undefined where it says nothing that one could go on from. */
export function parseProgress(text: string): Progress | undefined {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
  const { version, identity, content, position, entry, done } = parsed ?? {}
  if (version !== 1 || typeof identity !== 'string') return undefined
  if (!isAmount(position) || !isAmount(content)) return undefined
  if (entry === undefined) return { identity, content, place: { position } }
  if (!isFileEntry(entry) || !isAmount(done) || done > entry.size) return undefined
  return { identity, content, place: { position, entry, done } }
}

function isAmount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isFileEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { path, kind, size, mode, modified, target } = value as Record<string, unknown>
  return (
    typeof path === 'string' &&
    (kind === 'file' || kind === 'other') &&
    isAmount(size) &&
    isAmount(mode) &&
    typeof modified === 'number' &&
    typeof target === 'string'
  )
}
