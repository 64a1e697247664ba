import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Ledger } from '#core/vendor/ledger.ts'
import { digestOf, EMPTY_HEAD, readRow } from '#core/vendor/rows.ts'
import { type Checkpoint, checkpointFault, checkpointText, ledgerName, readCheckpoint } from './checkpoint.ts'
import { assembleNote, encodeNoteKey, type NoteKey, openNote } from './note.ts'

/** A key that signs, and never shows itself: one of a key service, which whoever writes the ledger may not use. */
export interface NoteSigner {
  /** 32 bytes, Ed25519. @throws PgctlError `encryption-failed` for a key of another kind. */
  publicKey(signal?: AbortSignal): Promise<Uint8Array>
  sign(message: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
}

/** Where the newest checkpoint is kept: a table and perhaps a bucket that locks it, or a file. */
export interface CheckpointShelf {
  newest(): Promise<ShelvedNote | undefined>
  put(shelved: ShelvedNote, checkpoint: Checkpoint, signal?: AbortSignal): Promise<void>
}

/** A note, and the key that made it, as a word (`encodeNoteKey`). */
export interface ShelvedNote {
  readonly note: string
  readonly key: string
}

export interface Signing {
  readonly installation: string
  readonly ledger: Ledger
  readonly shelf: CheckpointShelf
  readonly signer: NoteSigner
  readonly now: Ms
  readonly signal?: AbortSignal | undefined
}

/** `unchanged`: nothing was added since the last one; without a checkpoint there is no row at all. */
export interface Signed {
  readonly kind: 'signed' | 'unchanged'
  readonly key: NoteKey
  readonly checkpoint: Checkpoint | undefined
  readonly note: string | undefined
}

/**
 * Signs how far the ledger has come, if it goes on from where the last checkpoint was signed. A ledger that does not is
 * never signed: that would make good what somebody has changed. It costs as much as was added since.
 * @throws PgctlError `unhealthy` for such a ledger.
 */
export async function signCheckpoint(signing: Signing): Promise<Signed> {
  const { installation, ledger, shelf, signer, now, signal } = signing
  const key: NoteKey = { name: ledgerName(installation), publicKey: await signer.publicKey(signal) }
  const shelved = await shelf.newest()
  const last = shelved === undefined ? undefined : lastOf(shelved.note, key)
  const head = await ledger.head()
  let at = last?.head ?? EMPTY_HEAD
  if (last !== undefined) {
    const fault = checkpointFault(last, head.seq, await ledger.line(last.head.seq))
    if (fault !== undefined) throw broken(fault)
  }
  if (head.seq === at.seq) return { kind: 'unchanged', key, checkpoint: last, note: shelved?.note }
  while (at.seq < head.seq) {
    const line = await ledger.line(at.seq + 1)
    const { fault } = readRow(line, at)
    if (fault !== undefined || line === undefined) throw broken(`row ${at.seq + 1}: ${fault}`)
    at = { seq: at.seq + 1, digest: digestOf(line) }
  }
  const checkpoint: Checkpoint = { head: at, at: now }
  const text = checkpointText(installation, checkpoint)
  const note = assembleNote(text, key, await signer.sign(Buffer.from(text), signal))
  const opened = openNote(note, key)
  if (opened.kind === 'refused')
    throw new PgctlError('encryption-failed', 'the key has made no signature that its own public key fits', {
      why: opened.why,
      next: 'see that the key is an Ed25519 key for signing (KeySpec ECC_NIST_EDWARDS25519)',
    })
  await shelf.put({ note, key: encodeNoteKey(key) }, checkpoint, signal)
  return { kind: 'signed', key, checkpoint, note }
}

function lastOf(note: string, key: NoteKey): Checkpoint {
  const read = readCheckpoint(note, key)
  if (read.kind === 'signed') return read.checkpoint
  throw new PgctlError(
    'unhealthy',
    'the last checkpoint of the ledger is not one of this key, so none is signed',
    {
      why: read.why,
      next: 'see who has changed it or the key; a new key begins with a checkpoint of its own where the old one is removed',
    },
  )
}

function broken(why: string): PgctlError {
  return new PgctlError(
    'unhealthy',
    'the ledger does not go on from its last checkpoint, so none is signed',
    {
      why,
      next: 'see what is wrong: pgctl egress verify; restore the rows from a backup of the table',
    },
  )
}
