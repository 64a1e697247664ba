import type { Ms } from '#core/clock.ts'
import { type License, readLicense } from './document.ts'
import { digestOf, openSeal } from './seal.ts'
import type { Trust } from './trust.ts'

/** Is it genuine? A question of signatures alone: no clock is asked, so no clock can make a good document bad. */
export type Genuineness =
  | { readonly kind: 'genuine'; readonly license: License; readonly digest: string }
  | { readonly kind: 'tampered' | 'unreadable' | 'key-revoked'; readonly why: string }

/**
 * @param firstSeen when this very document was first seen here, by a record that is not the document's own; undefined
 *   where it is new.
 */
export function judgeGenuine(text: string, trust: Trust, firstSeen: Ms | undefined): Genuineness {
  const opened = openSeal(text, 'document', trust.keys)
  if (opened.kind !== 'genuine') return opened
  const read = readLicense(opened.payload)
  if (!read.ok) return { kind: 'unreadable', why: read.why }
  const { license } = read
  const { kid, notBefore, notAfter } = opened.key
  if (license.issuedAt < notBefore || license.issuedAt >= notAfter)
    return { kind: 'tampered', why: `the key ${kid} was not in use when it says that it was issued` }
  const digest = digestOf(text)
  const revoked = trust.revoked.find((each) => each.kid === kid)
  const stays =
    revoked === undefined ||
    revoked.kept.includes(digest) ||
    (firstSeen !== undefined && firstSeen < revoked.since)
  if (!stays)
    return {
      kind: 'key-revoked',
      why: `the key ${kid} may have been in other hands since ${new Date(revoked.since).toISOString()}`,
    }
  return { kind: 'genuine', license, digest }
}
