import { encodeNoteKey } from '#core/checkpoint/note.ts'
import type { Signed } from '#core/checkpoint/sign.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { CheckedCheckpoint, KeySource, LedgerProof } from '../egress-checkpoint.ts'
import { isWhole, renderReview, reviewDocument } from './egress.ts'
import type { Paint } from './error.ts'

const SOURCES: Readonly<Record<KeySource, string>> = {
  flag: 'as it was named',
  service: "by the account's key service",
  kept: 'as it lies beside the ledger: name the one that you know with --key',
}

/** What the rows show, and what the checkpoints add to it. */
export function renderProof({ review, key, checkpoints }: LedgerProof, paint: Paint): string {
  if (key === undefined)
    return [
      renderReview(review, paint),
      paint('dim', 'There is no checkpoint: rows taken off the end do not show (pgctl egress checkpoint).'),
    ].join('\n')
  return [
    ...checkpoints.map((each) => `  ${paint('dim', 'signed   ')} ${describe(each)}`),
    `  ${paint('dim', 'key      ')} ${neutralise(key.word)}, ${SOURCES[key.from]}`,
    renderReview(review, paint),
    ...checkpoints
      .filter(({ fault }) => fault !== undefined)
      .map(
        ({ from, fault }) => `${paint('red', 'not as signed:')} ${nameOf(from)}: ${neutralise(fault ?? '')}`,
      ),
    paint('dim', `Rows behind ${lastSigned(checkpoints)} are not signed yet.`),
  ].join('\n')
}

function describe({ from, checkpoint }: CheckedCheckpoint): string {
  if (checkpoint === undefined) return `nothing, by ${nameOf(from)}`
  return `up to row ${checkpoint.head.seq} at ${new Date(checkpoint.at).toISOString()}, by ${nameOf(from)}`
}

function nameOf(from: string): string {
  return from === 'kept' ? 'the checkpoint that is kept' : neutralise(from)
}

function lastSigned(checkpoints: readonly CheckedCheckpoint[]): string {
  const last = Math.max(
    0,
    ...checkpoints.flatMap(({ checkpoint, fault }) =>
      fault === undefined && checkpoint !== undefined ? checkpoint.head.seq : [],
    ),
  )
  return `row ${last}`
}

/** Whether the rows are whole, and no checkpoint says otherwise. */
export function isProved({ review, checkpoints }: LedgerProof): boolean {
  return isWhole(review) && checkpoints.every(({ fault }) => fault === undefined)
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function proofDocument(proof: LedgerProof): object {
  return {
    ...reviewDocument(proof.review),
    whole: isProved(proof),
    key: proof.key ?? null,
    checkpoints: proof.checkpoints.map(({ from, checkpoint, fault }) => ({
      from,
      row: checkpoint?.head.seq ?? null,
      at: checkpoint === undefined ? null : new Date(checkpoint.at).toISOString(),
      fault: fault ?? null,
    })),
  }
}

export function renderSigned({ kind, key, checkpoint, note }: Signed, paint: Paint): string {
  if (checkpoint === undefined || note === undefined)
    return 'the ledger is empty, so there is nothing to sign'
  const { seq } = checkpoint.head
  return [
    kind === 'signed'
      ? `${paint('green', 'signed:')} the ledger up to row ${seq}`
      : `the ledger is as it was signed, up to row ${seq}`,
    `  ${paint('dim', 'key')} ${encodeNoteKey(key)}`,
    '',
    ...note.trimEnd().split('\n').map(neutralise),
  ].join('\n')
}

export function signedDocument({ kind, key, checkpoint, note }: Signed): object {
  return {
    signed: kind === 'signed',
    row: checkpoint?.head.seq ?? null,
    at: checkpoint === undefined ? null : new Date(checkpoint.at).toISOString(),
    key: encodeNoteKey(key),
    note: note ?? null,
  }
}
