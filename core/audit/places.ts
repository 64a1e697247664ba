import { hash } from 'node:crypto'
import * as z from 'zod'
import type { Bytes } from '#core/clock.ts'

/**
 * Where in the audit's log somebody is. The daemon renames its files (`audit.log`, `audit.log.1`, …), and a file system
 * gives the inode of a deleted file to the next one: a file is known by how it begins, as its first line has the time and
 * the serial of an event.
 */

/** So much of a file is looked at to tell it from others. */
export const HEAD_BYTES: Bytes = 512
const NEWLINE = 0x0a

const placeSchema = z.strictObject({ v: z.literal(1), head: z.string(), offset: z.number().int().min(0) })

export interface Place {
  /** Which file. */
  readonly head: string
  readonly offset: Bytes
}

/** Undefined for what is no place. */
export function parsePlace(text: string): Place | undefined {
  try {
    const { head, offset } = placeSchema.parse(JSON.parse(text))
    return { head, offset }
  } catch {
    return undefined
  }
}

export function formatPlace({ head, offset }: Place): string {
  return `${JSON.stringify({ v: 1, head, offset })}\n`
}

/**
 * What a file is known by, from its first bytes. Undefined as long as its first line is not whole: it may still become
 * another. `final` where nothing will be added to it.
 */
export function headOf(bytes: Uint8Array, final = false): string | undefined {
  const head = bytes.subarray(0, HEAD_BYTES)
  const end = head.indexOf(NEWLINE)
  if (end === -1 && head.length < HEAD_BYTES && !(final && head.length > 0)) return undefined
  return hash('sha256', end === -1 ? head : head.subarray(0, end), 'hex').slice(0, 32)
}

/** One file of the log. */
export interface LogFile {
  readonly head: string | undefined
  readonly size: Bytes
}

export interface Start {
  /** Which of the files. */
  readonly index: number
  readonly offset: Bytes
  /** What is wrong with the place that was remembered: a part of the log was not seen, or is seen again. */
  readonly trouble: 'gone' | 'shorter' | undefined
}

/** Where to go on after `place`, in files of which the oldest comes first; undefined where there is no file. */
export function startIn(files: readonly LogFile[], place: Place | undefined): Start | undefined {
  if (files.length === 0) return undefined
  if (place === undefined) return { index: 0, offset: 0, trouble: undefined }
  const index = files.findIndex(({ head }) => head === place.head)
  if (index === -1) return { index: 0, offset: 0, trouble: 'gone' }
  if ((files[index] as LogFile).size < place.offset) return { index, offset: 0, trouble: 'shorter' }
  return { index, offset: place.offset, trouble: undefined }
}

/** The files of a log by their names, the oldest first: the larger its number, the older a file. */
export function inOrder(names: readonly string[], log: string): string[] {
  const numbered = names.flatMap((name) => {
    if (name === log) return [{ name, number: 0 }]
    const digits = name.startsWith(`${log}.`) ? name.slice(log.length + 1) : ''
    return /^[1-9]\d{0,3}$/.test(digits) ? [{ name, number: Number(digits) }] : []
  })
  return numbered.sort((one, other) => other.number - one.number).map(({ name }) => name)
}
