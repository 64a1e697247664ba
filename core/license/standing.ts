import type { Ms } from '#core/clock.ts'
import type { Entitlements, License } from './document.ts'
import { entitlementsAt } from './entitlements.ts'
import { type Genuineness, judgeGenuine } from './genuine.ts'
import { type Assessment, assess } from './policy.ts'
import { type LicenseRecord, trustOf } from './record.ts'
import { type Revocation, readRevocation } from './revocation.ts'
import type { Trust } from './trust.ts'
import type { Verdict } from './verdicts.ts'

/** How an installation stands with its license, from what it keeps and nothing else. */
export interface Standing {
  readonly verdict: Verdict
  /** The license that was judged; undefined where there is none that is genuine. */
  readonly license: License | undefined
  readonly digest: string | undefined
  readonly assessment: Assessment | undefined
  readonly entitlements: Entitlements
  readonly revocation: Revocation | undefined
  /** What is wrong with a newer document that was passed over, or with all of them. */
  readonly fault: string | undefined
}

export interface Place {
  readonly base: Trust
  readonly now: Ms
  readonly installation: string | undefined
  readonly product: string
}

/**
 * The newest genuine document counts; one whose time has not come leaves the place to the one before it, and one that
 * is damaged leaves it to the copy before it.
 */
export function standingOf(record: LicenseRecord, place: Place): Standing {
  const trust = trustOf(record, place.base)
  const judged = record.documents.map(({ text, firstSeen }) => judgeGenuine(text, trust, firstSeen))
  const genuine = judged.filter((each) => each.kind === 'genuine')
  const revocation = revocationOf(record, trust)
  const assessed = genuine.map(({ license, digest }) => ({
    license,
    digest,
    assessment: assess(license, {
      now: place.now,
      mark: record.mark,
      installation: place.installation,
      product: place.product,
      revocation: applies(revocation, license) ? revocation : undefined,
    }),
  }))
  const chosen = assessed.find(({ assessment }) => assessment.verdict !== 'not-yet-valid') ?? assessed[0]
  const fault = faultOf(judged)
  if (chosen === undefined) {
    const verdict = judged[0] === undefined || judged[0].kind === 'genuine' ? 'absent' : judged[0].kind
    return {
      verdict,
      license: undefined,
      digest: undefined,
      assessment: undefined,
      entitlements: {},
      revocation: undefined,
      fault,
    }
  }
  const { license, digest, assessment } = chosen
  const earlier = assessed.slice(assessed.indexOf(chosen) + 1).map((each) => each.license)
  return {
    verdict: assessment.verdict,
    license,
    digest,
    assessment,
    entitlements: entitlementsAt(license, earlier, assessment.at),
    revocation: applies(revocation, license) ? revocation : undefined,
    fault,
  }
}

function revocationOf({ revocation }: LicenseRecord, trust: Trust): Revocation | undefined {
  if (revocation === undefined) return undefined
  const read = readRevocation(revocation.text, trust, revocation.firstSeen)
  return read.ok ? read.revocation : undefined
}

/** A document that the vendor has issued since takes the notice back. */
function applies(revocation: Revocation | undefined, { license, issuedAt }: License): boolean {
  return revocation !== undefined && revocation.license === license && issuedAt <= revocation.issuedAt
}

/** Only the newest matters: that an old copy has gone bad takes nothing away. */
function faultOf([newest]: readonly Genuineness[]): string | undefined {
  return newest === undefined || newest.kind === 'genuine' ? undefined : newest.why
}
