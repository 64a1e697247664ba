import type { Ms } from '#core/clock.ts'
import { digestOf, type Head } from '#core/vendor/rows.ts'
import { type NoteKey, openNote } from './note.ts'

/**
 * What a checkpoint says: how long the ledger of an installation was at a moment, and the digest of its last row, which
 * stands for all rows before it. Its text is that of a transparency log's checkpoint:
 *
 *   pgctl-ledger/INSTALLATION
 *   NUMBER OF ROWS
 *   base64 of the digest
 *   at TIME
 */
export interface Checkpoint {
  readonly head: Head
  readonly at: Ms
}

/** The name of the ledger of an installation, under which its key signs. */
export function ledgerName(installation: string): string {
  return `pgctl-ledger/${installation}`
}

export function checkpointText(installation: string, { head, at }: Checkpoint): string {
  const digest = Buffer.from(head.digest, 'base64url').toString('base64')
  return `${ledgerName(installation)}\n${head.seq}\n${digest}\nat ${new Date(at).toISOString()}\n`
}

export type ReadCheckpoint =
  | { readonly kind: 'signed'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'refused'; readonly why: string }

/** The checkpoint of a note, if `key` has signed it and it is of the ledger that the key is for. */
export function readCheckpoint(note: string, key: NoteKey): ReadCheckpoint {
  const opened = openNote(note, key)
  if (opened.kind === 'refused') return opened
  const [name, count = '', digest = '', when = '', ...more] = opened.text.split('\n')
  const at = Date.parse(/^at (\S+)$/.exec(when)?.[1] ?? '')
  const bytes = Buffer.from(digest, 'base64')
  const isWhole =
    /^[1-9]\d{0,14}$/.test(count) &&
    bytes.length === 32 &&
    bytes.toString('base64') === digest &&
    !Number.isNaN(at) &&
    more.join('') === ''
  if (name !== key.name || !isWhole)
    return { kind: 'refused', why: 'it is signed, and is no checkpoint of this ledger' }
  return {
    kind: 'signed',
    checkpoint: { head: { seq: Number(count), digest: bytes.toString('base64url') }, at },
  }
}

/**
 * What is wrong with a ledger by a checkpoint of it; undefined where every row up to the checkpoint is the one that was
 * signed. `length` is the number of rows, `line` the row that the checkpoint names.
 */
export function checkpointFault(
  { head }: Checkpoint,
  length: number,
  line: string | undefined,
): string | undefined {
  if (length < head.seq)
    return `it has ${length} rows, and ${head.seq} were there when the checkpoint was signed: rows were taken off the end`
  if (line === undefined || digestOf(line) !== head.digest)
    return `row ${head.seq} is another one than was signed: the rows up to it were written anew`
  return undefined
}
