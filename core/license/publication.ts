import type { CheckOutcome } from './check.ts'
import type { Standing } from './standing.ts'
import { VERDICTS } from './verdicts.ts'

/** What the schedule makes known of a license: a document that others pull, and figures. Advice, and no order. */
export interface Publication {
  readonly v: 1
  readonly verdict: string
  readonly sentence: string
  readonly stands: boolean
  readonly upgrades: boolean
  /** ISO times. */
  readonly checkedAt: string
  readonly until: string | null
  readonly asked: string
  readonly sequence: number
  /** The signed document, which whoever reads this can verify. */
  readonly document: string | null
}

export interface LicenseFigures {
  /** 1 while the license is in force. */
  readonly LicenseStands: number
  /** Until the contract ends, negative behind it; undefined where no license is known. */
  readonly LicenseDaysLeft: number | undefined
  /** 1 where the vendor answered. */
  readonly VendorAnswered: number
}

const DAY = 86_400_000

export function publicationOf(
  { standing, outcome }: { readonly standing: Standing; readonly outcome: CheckOutcome },
  document: string | undefined,
  now: number,
): Publication {
  const { verdict, license, assessment } = standing
  const { sentence, stands, upgrades } = VERDICTS[verdict]
  return {
    v: 1,
    verdict,
    sentence,
    stands,
    upgrades,
    checkedAt: new Date(now).toISOString(),
    until: assessment?.until === undefined ? null : new Date(assessment.until).toISOString(),
    asked: outcome.kind,
    sequence: license?.sequence ?? 0,
    document: document ?? null,
  }
}

export function figuresOf({
  standing,
  outcome,
}: {
  readonly standing: Standing
  readonly outcome: CheckOutcome
}): LicenseFigures {
  const { license, assessment, verdict } = standing
  return {
    LicenseStands: VERDICTS[verdict].stands ? 1 : 0,
    LicenseDaysLeft:
      license === undefined || assessment === undefined
        ? undefined
        : Math.floor((license.expires - assessment.at) / DAY),
    VendorAnswered: outcome.kind === 'answered' ? 1 : 0,
  }
}
