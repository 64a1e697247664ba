import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { judgeClock, markProof, markReading, NO_MARK } from './clock-mark.ts'
import { judgeGenuine } from './genuine.ts'
import { assess } from './policy.ts'
import { readRevocation } from './revocation.ts'
import { digestOf, kindOf, type SealKind } from './seal.ts'
import { type Installed, judgeSuccession, type Succession } from './succession.ts'
import { type Trust, takeKeyList } from './trust.ts'

/**
 * What an installation keeps of its license: signed texts as they came, and since when it has them. All of them are
 * verified anew whenever they are read, so what is damaged here shows as damaged and never as expired.
 */
export interface LicenseRecord {
  readonly v: 1
  /** Documents, the newest first. */
  readonly documents: readonly HeldText[]
  readonly revocation?: HeldText | undefined
  /** Lists of keys that the root has signed, the oldest first: what one of them revokes stays revoked. */
  readonly keyLists: readonly string[]
  readonly mark: z.infer<typeof markSchema>
  /** When the vendor last answered, and when it was last asked with what result. */
  readonly answeredAt?: Ms | undefined
  readonly attempt?: { readonly at: Ms; readonly outcome: string } | undefined
}

export interface HeldText {
  readonly text: string
  readonly firstSeen: Ms
}

/** Older ones are needed as the previous copy, and for entitlements that somebody has paid for. */
const MOST_DOCUMENTS = 8

const moment = z.number().nonnegative()
const heldSchema = z.object({ text: z.string(), firstSeen: moment })
const markSchema = z.object({
  proved: moment,
  read: moment,
  ahead: z.object({ since: moment, last: moment }).optional(),
})
export const recordSchema = z.object({
  v: z.literal(1),
  documents: z.array(heldSchema),
  revocation: heldSchema.optional(),
  keyLists: z.array(z.string()),
  mark: markSchema,
  answeredAt: moment.optional(),
  attempt: z.object({ at: moment, outcome: z.string() }).optional(),
})

export const EMPTY_RECORD: LicenseRecord = { v: 1, documents: [], keyLists: [], mark: NO_MARK }

/** What became of a signed text that was handed in. */
export type Taken =
  | { readonly kind: 'document'; readonly succession: Succession; readonly installed: Installed }
  | { readonly kind: 'key-list'; readonly isNew: boolean; readonly sequence: number }
  | { readonly kind: 'revocation'; readonly effective: Ms; readonly reason: string }
  | {
      readonly kind: 'refused'
      readonly verdict: 'tampered' | 'unreadable' | 'key-revoked' | 'wrong-installation'
      readonly why: string
    }

/** Where a text is taken, and by whom it was brought. */
export interface Taking {
  /** The trust that came with the release. */
  readonly base: Trust
  readonly now: Ms
  readonly installation: string | undefined
  readonly product: string
  /** A person may install another license; the vendor's answer may only renew this one. */
  readonly by: 'person' | 'answer'
}

/** The trust of the release, made newer by the record's lists of keys. */
export function trustOf({ keyLists }: LicenseRecord, base: Trust): Trust {
  return keyLists.reduce((trust, text) => {
    const taken = takeKeyList(trust, text)
    return taken.ok ? taken.trust : trust
  }, base)
}

/** The record after the own clock was read. */
export function noteReading(record: LicenseRecord, now: Ms): LicenseRecord {
  return { ...record, mark: markReading(record.mark, now) }
}

/** Takes a signed text into the record, or says why not; whatever is refused changes nothing. */
export function takeText(
  record: LicenseRecord,
  text: string,
  taking: Taking,
): { readonly record: LicenseRecord; readonly taken: Taken } {
  const refuse = (verdict: Extract<Taken, { kind: 'refused' }>['verdict'], why: string) => ({
    record,
    taken: { kind: 'refused', verdict, why } as const,
  })
  const kind: SealKind = kindOf(text) ?? 'document'
  switch (kind) {
    case 'document':
      return takeDocument(record, text, taking, refuse)
    case 'keyList': {
      const before = trustOf(record, taking.base)
      const result = takeKeyList(before, text)
      if (!result.ok) return refuse('tampered', result.why)
      const isNew = result.trust.sequence > before.sequence
      const taken = { kind: 'key-list', isNew, sequence: result.trust.sequence } as const
      return { record: isNew ? { ...record, keyLists: [...record.keyLists, text] } : record, taken }
    }
    case 'revocation': {
      const trust = trustOf(record, taking.base)
      const firstSeen = firstSeenOf(record, text, taking.now)
      const read = readRevocation(text, trust, firstSeen)
      if (!read.ok) return refuse('tampered', read.why)
      const { effective, reason, license } = read.revocation
      if (license !== currentOf(record, trust)?.license.license)
        return refuse('wrong-installation', 'it is of a license that is not installed here')
      return {
        record: { ...record, revocation: { text, firstSeen } },
        taken: { kind: 'revocation', effective, reason },
      }
    }
    case 'answer':
      return refuse('unreadable', 'it is the answer to a request, and counts only for whoever asked')
  }
}

function takeDocument(
  record: LicenseRecord,
  text: string,
  taking: Taking,
  refuse: (
    verdict: Extract<Taken, { kind: 'refused' }>['verdict'],
    why: string,
  ) => {
    readonly record: LicenseRecord
    readonly taken: Taken
  },
): { readonly record: LicenseRecord; readonly taken: Taken } {
  const trust = trustOf(record, taking.base)
  const { now, installation, product } = taking
  const firstSeen = firstSeenOf(record, text, now)
  const judged = judgeGenuine(text, trust, firstSeenHere(record, text))
  if (judged.kind !== 'genuine') return refuse(judged.kind, judged.why)
  const { license, digest } = judged
  const { verdict } = assess(license, {
    now,
    mark: record.mark,
    installation,
    product,
    revocation: undefined,
  })
  if (verdict === 'wrong-installation')
    return refuse(verdict, `it is for ${license.installation} and the product ${license.product}`)
  const current = currentOf(record, trust)
  const succession = judgeSuccession(current, { license, digest })
  const taken: Taken = { kind: 'document', succession, installed: { license, digest } }
  const replaces =
    succession.kind === 'first' ||
    succession.kind === 'newer' ||
    (succession.kind === 'other-license' && taking.by === 'person')
  if (!replaces) return { record, taken }
  const others = record.documents.filter((held) => held.text !== text)
  return {
    record: {
      ...record,
      documents: [{ text, firstSeen }, ...others].slice(0, MOST_DOCUMENTS),
      mark: markProof(record.mark, license.issuedAt, false),
    },
    taken,
  }
}

/** The newest document here that is genuine. */
export function currentOf(record: LicenseRecord, trust: Trust): Installed | undefined {
  for (const { text, firstSeen } of record.documents) {
    const judged = judgeGenuine(text, trust, firstSeen)
    if (judged.kind === 'genuine') return judged
  }
  return undefined
}

/** Since when this very text is here; a clock that was set back makes nothing older than it is. */
function firstSeenOf(record: LicenseRecord, text: string, now: Ms): Ms {
  return firstSeenHere(record, text) ?? judgeClock(record.mark, now).at
}

function firstSeenHere({ documents, revocation }: LicenseRecord, text: string): Ms | undefined {
  const digest = digestOf(text)
  const held = [...documents, ...(revocation === undefined ? [] : [revocation])]
  return held.find((each) => digestOf(each.text) === digest)?.firstSeen
}
