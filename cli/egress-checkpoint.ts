import { readFile, writeFile } from 'node:fs/promises'
import { createNoteSigner } from '#core/aws/note-signer.ts'
import { type Checkpoint, checkpointFault, ledgerName, readCheckpoint } from '#core/checkpoint/checkpoint.ts'
import { encodeNoteKey, type NoteKey, parseNoteKey } from '#core/checkpoint/note.ts'
import { type Signed, signCheckpoint } from '#core/checkpoint/sign.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { signingAlias } from '#core/stack/names.ts'
import type { Review } from '#core/vendor/rows.ts'
import { wireDeployed } from './deployed.ts'
import type { Surroundings } from './deps.ts'
import { type LedgerChoice, type OpenedLedger, openLedgerHere } from './egress-ledger.ts'

/** A checkpoint of the ledger, and what came of comparing the two. */
export interface CheckedCheckpoint {
  /** A file, or `kept` for the newest one, which is kept with the ledger. */
  readonly from: string
  /** Undefined where it is none by this key. */
  readonly checkpoint: Checkpoint | undefined
  readonly fault: string | undefined
}

export interface LedgerProof {
  readonly review: Review
  /** The key that checkpoints were checked by, and where it came from; undefined where there are none. */
  readonly key: { readonly word: string; readonly from: KeySource } | undefined
  readonly checkpoints: readonly CheckedCheckpoint[]
}

/** `flag`: a person has named it. `service`: the key service of the account. `kept`: it lay beside the checkpoint. */
export type KeySource = 'flag' | 'service' | 'kept'

export interface VerifyWishes extends LedgerChoice {
  /** Files with checkpoints, besides the one that is kept. */
  readonly files: readonly string[]
  /** The key, as `egress checkpoint` has printed it. */
  readonly key: string | undefined
}

/** Reads the whole ledger, and compares it with every checkpoint of it that there is. */
export async function proveLedger(surroundings: Surroundings, wishes: VerifyWishes): Promise<LedgerProof> {
  const opened = await openLedgerHere(surroundings, wishes)
  const named = wishes.key === undefined ? undefined : keyOf(wishes.key, opened)
  const kept = await opened.shelf.newest()
  const review = await opened.ledger.review()
  const notes = [
    ...(kept === undefined ? [] : [{ from: 'kept', note: kept.note }]),
    ...(await Promise.all(wishes.files.map(async (path) => ({ from: path, note: await readNote(path) })))),
  ]
  if (notes.length === 0) return { review, key: undefined, checkpoints: [] }
  const key = named ?? (await keyBySource(opened, kept?.key, wishes.signal))
  const checkpoints: CheckedCheckpoint[] = []
  for (const { from, note } of notes) {
    const read = readCheckpoint(note, key.key)
    if (read.kind === 'refused') checkpoints.push({ from, checkpoint: undefined, fault: read.why })
    else {
      const { checkpoint } = read
      const line = await opened.ledger.line(checkpoint.head.seq)
      checkpoints.push({ from, checkpoint, fault: checkpointFault(checkpoint, review.rows, line) })
    }
  }
  return { review, key: { word: encodeNoteKey(key.key), from: key.from }, checkpoints }
}

interface SourcedKey {
  readonly key: NoteKey
  readonly from: KeySource
}

function keyOf(word: string, { here }: OpenedLedger): SourcedKey {
  const key = parseNoteKey(word)
  if (key !== undefined && key.name === ledgerName(here.id)) return { key, from: 'flag' }
  throw new PgctlError('usage', 'that is no key of the ledger of this installation', {
    why:
      key === undefined
        ? 'it has not the form NAME+ID+KEY, or its id is of another key'
        : `it is of ${key.name}, and this installation's is ${ledgerName(here.id)}`,
    next: 'give the word that pgctl egress checkpoint prints behind "key"',
  })
}

/** The account's key service says which key it is; for the ledger of this computer the one that lies beside it must do. */
async function keyBySource(
  { here, deployed }: OpenedLedger,
  kept: string | undefined,
  signal: AbortSignal | undefined,
): Promise<SourcedKey> {
  if (deployed !== undefined) {
    const signer = createNoteSigner(deployed.connection, signingAlias(here.installation.workspace))
    return { key: { name: ledgerName(here.id), publicKey: await signer.publicKey(signal) }, from: 'service' }
  }
  const key = kept === undefined ? undefined : parseNoteKey(kept)
  if (key !== undefined && key.name === ledgerName(here.id)) return { key, from: 'kept' }
  throw new PgctlError('usage', 'nothing says which key the checkpoint is to be checked by', {
    why: 'no key is kept with the ledger of this computer',
    next: 'name it with --key; pgctl egress checkpoint has printed it',
  })
}

async function readNote(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new PgctlError('usage', `cannot read the checkpoint ${path}`, {
      why: messageOf(error),
      next: 'name a file that pgctl egress checkpoint --file has written, or one of the bucket of checkpoints',
      cause: error,
    })
  }
}

export interface SignWishes extends LedgerChoice {
  /** A key of the key service; undefined is the one of the installation's stack. */
  readonly kmsKey: string | undefined
  readonly file: string | undefined
}

/** Has a key sign how far the ledger has come; the key is in the installation's account, whoever's ledger it is. */
export async function makeCheckpoint(surroundings: Surroundings, wishes: SignWishes): Promise<Signed> {
  const opened = await openLedgerHere(surroundings, wishes)
  const { connection, here } = opened.deployed ?? (await wireDeployed(surroundings, wishes.signal))
  const signed = await signCheckpoint({
    installation: here.id,
    ledger: opened.ledger,
    shelf: opened.shelf,
    signer: createNoteSigner(connection, wishes.kmsKey ?? signingAlias(here.installation.workspace)),
    now: systemClock.now().wall,
    signal: wishes.signal,
  })
  if (wishes.file !== undefined && signed.note !== undefined) await writeNote(wishes.file, signed.note)
  return signed
}

async function writeNote(path: string, note: string): Promise<void> {
  try {
    await writeFile(path, note, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new PgctlError('usage', `cannot write the checkpoint to ${path}`, {
      why: messageOf(error),
      next: 'name a file that is not there yet; the checkpoint itself is kept with the ledger',
      cause: error,
    })
  }
}
