import type { Clock, RandomBytes } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import { type Question, readAnswer } from './answer.ts'
import { toBase64url } from './base64url.ts'
import { markProof } from './clock-mark.ts'
import { currentOf, type LicenseRecord, noteReading, type Taken, takeText, trustOf } from './record.ts'
import { changeRecord, readRecord } from './record-store.ts'
import { kindOf } from './seal.ts'
import { type Standing, standingOf } from './standing.ts'
import type { Trust } from './trust.ts'

/**
 * Asking the vendor whether the license is still good, and taking what it signs. Whatever else happens on the way (no
 * network, an error, a portal that answers for it, an unsigned "no") changes nothing but the note that it was asked.
 */

/** The body of the request, as core/vendor sends it. */
export interface LicenseRequest {
  readonly schema: 'license/1'
  readonly license: string
  readonly installation: string
  readonly version: string
  readonly sequence: number
  readonly nonce: string
}

export interface LicenseCheck {
  readonly store: Store
  readonly base: Trust
  readonly product: string
  readonly installation: string
  /** The license's id, where no document is here yet that says it. */
  readonly license?: string | undefined
  readonly version: string
  readonly clock: Clock
  readonly random: RandomBytes
}

/** How asking went. */
export type CheckOutcome =
  | { readonly kind: 'answered'; readonly taken: readonly Taken[] }
  /** Nobody answered: the vendor is down, or cannot be reached. */
  | { readonly kind: 'outage'; readonly error: PgctlError }
  /** Somebody did, and it is no answer of the vendor to this request. */
  | { readonly kind: 'no-answer'; readonly why: string }
  /** The vendor did, and its time is not that of this computer's clock. */
  | { readonly kind: 'other-time'; readonly why: string }

export interface Checked {
  readonly standing: Standing
  readonly outcome: CheckOutcome
}

const NONCE_BYTES = 16

/** The request that would be made now. @throws PgctlError `license-refused` where it is not known for which license. */
export async function licenseRequest(check: LicenseCheck): Promise<LicenseRequest> {
  const { record } = await readRecord(check.store, check.installation)
  const current = currentOf(record, trustOf(record, check.base))
  const license = current?.license.license ?? check.license
  if (license === undefined)
    throw new PgctlError('license-refused', 'it is not known for which license to ask', {
      why: 'no document is installed here, and no license key is given',
      next: "install the vendor's first document: pgctl license install FILE; or name the key's file: --key-file FILE",
    })
  return {
    schema: 'license/1',
    license,
    installation: check.installation,
    version: check.version,
    sequence: current?.license.sequence ?? 0,
    nonce: toBase64url(check.random(NONCE_BYTES)),
  }
}

/** Asks by `ask`, keeps what was signed, and says how the installation stands afterwards. */
export async function checkLicense(
  check: LicenseCheck,
  ask: (request: LicenseRequest) => Promise<string>,
): Promise<Checked> {
  const request = await licenseRequest(check)
  const askedAt = check.clock.now().wall
  const question: Question = { nonce: request.nonce, license: request.license, askedAt }
  let reply: string | PgctlError
  try {
    reply = await ask(request)
  } catch (error) {
    if (!isPgctlError(error) || error.code === 'interrupted') throw error
    reply = error
  }
  return changeRecord(check.store, check.installation, (before) => {
    const now = check.clock.now().wall
    const { record, outcome } =
      typeof reply === 'string'
        ? takeReply(noteReading(before, now), reply, question, { ...check, now })
        : { record: noteReading(before, now), outcome: { kind: 'outage', error: reply } as const }
    const noted = { ...record, attempt: { at: now, outcome: wordOf(outcome) } }
    const { base, installation, product } = check
    return {
      record: noted,
      result: { standing: standingOf(noted, { base, now, installation, product }), outcome },
    }
  })
}

/** Pure: the record with what a reply's lines hold. Lists of keys come first, as the answer may be by a new key. */
export function takeReply(
  before: LicenseRecord,
  reply: string,
  question: Question,
  place: {
    readonly base: Trust
    readonly now: number
    readonly installation: string
    readonly product: string
  },
): { readonly record: LicenseRecord; readonly outcome: CheckOutcome } {
  const lines = reply
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  let record = before
  const taken: Taken[] = []
  const take = (text: string) => {
    const result = takeText(record, text, { ...place, by: 'answer' })
    record = result.record
    taken.push(result.taken)
  }
  for (const line of lines) if (kindOf(line) === 'keyList') take(line)
  const text = lines.find((line) => kindOf(line) === 'answer')
  if (text === undefined) return { record, outcome: { kind: 'no-answer', why: 'it holds no signed answer' } }
  const reading = readAnswer(text, trustOf(record, place.base), question)
  if (reading.kind === 'none') return { record, outcome: { kind: 'no-answer', why: reading.why } }
  if (reading.kind === 'other-time') {
    const time = new Date(reading.time).toISOString()
    return {
      record,
      outcome: { kind: 'other-time', why: `the vendor says that it is ${time}, more than ten minutes away` },
    }
  }
  const { time, document, revocation } = reading.answer
  record = { ...record, mark: markProof(record.mark, time, true), answeredAt: place.now }
  if (document !== undefined) take(document)
  if (revocation !== undefined) take(revocation)
  return { record, outcome: { kind: 'answered', taken } }
}

/** What the record keeps of an attempt: a stable word. */
function wordOf(outcome: CheckOutcome): string {
  return outcome.kind === 'outage' ? outcome.error.code : outcome.kind
}
