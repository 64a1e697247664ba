import type { Entitlements, License } from '#core/license/document.ts'
import type { Assessment } from '#core/license/policy.ts'
import type { Revocation } from '#core/license/revocation.ts'
import { VERDICTS, type Verdict } from '#core/license/verdicts.ts'
import { describeAge } from '#core/text/age.ts'
import { neutralise } from '#core/text/neutralise.ts'
import { exitStatusOfVerdict } from '../exit-codes.ts'
import type { FunctionVerdict } from '../license-deployed.ts'
import type { Paint } from './error.ts'

/** A verdict, and all that led to it. */
export interface LicenseReport {
  readonly verdict: Verdict
  /** Why a file is not taken, or a document passed over. */
  readonly why: string | undefined
  readonly license: License | undefined
  readonly assessment: Assessment | undefined
  readonly entitlements: Entitlements
  readonly revocation: Revocation | undefined
  /** The vendor's name of the installation that it was compared with. */
  readonly installation: string | undefined
}

/** When the vendor last answered, and when it was last asked with what result; ISO times. */
export interface LicenseContact {
  readonly answeredAt: string | null
  readonly lastAsked: { readonly at: string; readonly outcome: string } | null
}

/** The report for a person: what the license says, and last the verdict in one sentence. */
export function renderLicense(report: LicenseReport, paint: Paint): string {
  const { verdict, license, assessment, why } = report
  const rows = license === undefined ? [] : licenseRows(license, report)
  const sentence = `${VERDICTS[verdict].sentence}${why === undefined ? '' : ` (${why})`}`
  const until = assessment?.until === undefined ? '' : `, until ${time(assessment.until)}`
  const colour = exitStatusOfVerdict(verdict) === 0 ? (verdict === 'valid' ? 'green' : 'yellow') : 'red'
  return [
    ...rows.map(([label, text]) => `  ${paint('dim', label.padEnd(12))} ${neutralise(text)}`),
    ...(rows.length > 0 ? [''] : []),
    `${paint(colour, `${verdict}:`)} ${neutralise(sentence)}${until}`,
  ].join('\n')
}

function licenseRows(license: License, report: LicenseReport): [string, string][] {
  const { installation, revocation, entitlements, assessment } = report
  const days = license.grace / 86_400_000
  const place =
    license.installation === '*'
      ? 'any installation'
      : installation === undefined
        ? `${license.installation}, not compared: no installation is chosen`
        : license.installation
  return [
    [
      'license',
      `${license.license}, ${license.tier}, document ${license.sequence} of customer ${license.customer}`,
    ],
    ['for', `${license.product} on ${place}`],
    ['contract', `${time(license.notBefore)} to ${time(license.expires)}, then ${days} days of grace`],
    ['refresh by', time(license.refreshBy)],
    ['signed', `by ${license.kid} at ${time(license.issuedAt)}`],
    ...Object.entries(entitlements).map(([name, value], at): [string, string] => [
      at === 0 ? 'entitled to' : '',
      grant(name, value),
    ]),
    ...(revocation === undefined
      ? []
      : [['notice', `ends at ${time(revocation.effective)}: ${revocation.reason}`] as [string, string]]),
    ...(license.note === undefined ? [] : [['note', license.note] as [string, string]]),
    ...(assessment?.clockSuspect
      ? [['clock', `behind the latest time known here, ${time(assessment.at)}`] as [string, string]]
      : []),
  ]
}

function grant(name: string, value: boolean | number | null): string {
  if (value === null) return `${name}, without limit`
  return typeof value === 'number' ? `${name}, ${value} at most` : `${name}${value ? '' : ': no'}`
}

function time(moment: number): string {
  return new Date(moment).toISOString()
}

/** When the vendor was last heard of: to know, and for the verdict of no weight. */
export function renderContact({ answeredAt, lastAsked }: LicenseContact, now: number): string {
  const ago = (time: string) => describeAge(Date.parse(time), now)
  const answered =
    answeredAt === null ? 'the vendor has never answered' : `the vendor answered ${ago(answeredAt)}`
  if (lastAsked === null || lastAsked.outcome === 'answered') return answered
  return `${answered}; asked ${ago(lastAsked.at)}: ${lastAsked.outcome}`
}

/** The same for a program; its fields are listed in `docs/json-output.md`. */
export function licenseDocument(report: LicenseReport): Record<string, unknown> {
  const { verdict, why, license, assessment, entitlements, revocation, installation } = report
  const { sentence, stands, upgrades } = VERDICTS[verdict]
  return {
    verdict,
    sentence,
    exit: exitStatusOfVerdict(verdict),
    stands,
    upgrades,
    why: why ?? null,
    until: assessment?.until === undefined ? null : time(assessment.until),
    judgedAt: assessment === undefined ? null : time(assessment.at),
    clockSuspect: assessment?.clockSuspect ?? false,
    installation: installation ?? null,
    license:
      license === undefined
        ? null
        : {
            id: license.license,
            customer: license.customer,
            product: license.product,
            installation: license.installation,
            tier: license.tier,
            sequence: license.sequence,
            issuedAt: time(license.issuedAt),
            notBefore: time(license.notBefore),
            expires: time(license.expires),
            graceEnds: time(license.expires + license.grace),
            refreshBy: time(license.refreshBy),
            signedBy: license.kid,
            note: license.note ?? null,
          },
    entitlements,
    revocation:
      revocation === undefined ? null : { effective: time(revocation.effective), reason: revocation.reason },
  }
}

/** What the installation's function has found. */
export function renderFunctionVerdict(
  { verdict, sentence, sequence, asked }: FunctionVerdict,
  paint: Paint,
): string {
  const colour = exitStatusOfVerdict(verdict) === 0 ? (verdict === 'valid' ? 'green' : 'yellow') : 'red'
  return [
    `  ${paint('dim', 'document'.padEnd(12))} ${sequence}`,
    `  ${paint('dim', 'asked'.padEnd(12))} ${neutralise(asked)}`,
    '',
    `${paint(colour, `${verdict}:`)} ${neutralise(sentence)}`,
  ].join('\n')
}

export function functionDocument({ verdict, sentence, sequence, asked }: FunctionVerdict): object {
  return { verdict, sentence, exit: exitStatusOfVerdict(verdict), sequence, asked }
}
