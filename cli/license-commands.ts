import { PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type Examination, examineFile } from '#core/license/file.ts'
import { EMPTY_RECORD } from '#core/license/record.ts'
import { changeRecord, readRecord } from '#core/license/record-store.ts'
import { type Standing, standingOf } from '#core/license/standing.ts'
import { VERDICTS } from '#core/license/verdicts.ts'
import type { Surroundings } from './deps.ts'
import {
  type LicenseDeps,
  type LicensedInstallation,
  licensedInstallation,
  licensedInstallationIfAny,
  wireLicense,
} from './license-wiring.ts'
import { readLicenseFile } from './read-license-file.ts'
import type { LicenseReport } from './render/license.ts'
import type { Warning } from './render/warning.ts'

/** What the commands under `license` do, with the record of the installation that is chosen. */

function placeIn({ base, release }: LicenseDeps, here: LicensedInstallation | undefined) {
  return { base, now: systemClock.now().wall, installation: here?.id, product: release.product }
}

/** Judges a file and changes nothing; without an installation it is compared with none. */
export async function verifyLicenseFile(path: string, surroundings: Surroundings): Promise<LicenseReport> {
  const deps = wireLicense(surroundings)
  const here = licensedInstallationIfAny(surroundings)
  const content = await readLicenseFile(path)
  const record = here === undefined ? EMPTY_RECORD : (await readRecord(deps.store, here.id)).record
  return reportOfFile(examineFile(record, content, placeIn(deps, here)), here)
}

/** Takes a file into the record. @throws PgctlError `license-refused`, and nothing is changed. */
export async function installLicenseFile(
  path: string,
  surroundings: Surroundings,
): Promise<{ readonly report: LicenseReport; readonly changed: boolean }> {
  const deps = wireLicense(surroundings)
  const here = licensedInstallation(surroundings)
  const content = await readLicenseFile(path)
  return changeRecord(deps.store, here.id, (record) => {
    const examined = examineFile(record, content, placeIn(deps, here))
    if (
      examined.verdict === 'superseded' ||
      examined.taken.some(({ kind }) => kind === 'refused') ||
      examined.taken.length === 0
    )
      throw refusal(path, examined)
    const changed =
      examined.record.documents !== record.documents ||
      examined.record.keyLists !== record.keyLists ||
      examined.record.revocation?.text !== record.revocation?.text
    const report = reportOfFile(examined, here)
    return { record: changed ? examined.record : record, result: { report, changed } }
  })
}

export interface LicenseContact {
  /** When the vendor last answered, and when it was last asked with what result; ISO times. */
  readonly answeredAt: string | null
  readonly lastAsked: { readonly at: string; readonly outcome: string } | null
}

/** How the installation stands, by what is kept here alone. */
export async function licenseStatus(surroundings: Surroundings): Promise<{
  readonly report: LicenseReport
  readonly contact: LicenseContact
  readonly warnings: readonly Warning[]
}> {
  const deps = wireLicense(surroundings)
  const here = licensedInstallation(surroundings)
  const { record, damage } = await readRecord(deps.store, here.id)
  const standing = standingOf(record, placeIn(deps, here))
  const warnings: Warning[] = []
  if (damage !== undefined)
    warnings.push({
      message: 'what is kept of the license here is damaged; the copy before it is used',
      why: damage,
      next: 'have it written anew: pgctl license install FILE',
    })
  if (standing.license !== undefined && standing.fault !== undefined)
    warnings.push({
      message: 'the newest document here is not good; the one before it is used',
      why: standing.fault,
      next: 'ask the vendor for a fresh one: pgctl license request',
    })
  const isDamaged = damage !== undefined && standing.verdict === 'absent'
  return {
    report: reportOfStanding(
      isDamaged ? { ...standing, verdict: 'unreadable', fault: damage } : standing,
      here,
    ),
    contact: {
      answeredAt: record.answeredAt === undefined ? null : new Date(record.answeredAt).toISOString(),
      lastAsked:
        record.attempt === undefined
          ? null
          : { at: new Date(record.attempt.at).toISOString(), outcome: record.attempt.outcome },
    },
    warnings,
  }
}

function refusal(path: string, { verdict, why }: Examination): PgctlError {
  return new PgctlError('license-refused', `${path} is not installed: ${VERDICTS[verdict].sentence}`, {
    why,
    next: 'what is here stays; ask the vendor for the document of this installation: pgctl license request',
  })
}

function reportOfFile(examined: Examination, here: LicensedInstallation | undefined): LicenseReport {
  const { verdict, why, license, assessment } = examined
  return {
    verdict,
    why,
    license,
    assessment,
    entitlements: license?.entitlements ?? {},
    revocation: undefined,
    installation: here?.id,
  }
}

export function reportOfStanding(standing: Standing, here: LicensedInstallation): LicenseReport {
  const { verdict, license, assessment, entitlements, revocation, fault } = standing
  const why = license === undefined ? fault : undefined
  return { verdict, why, license, assessment, entitlements, revocation, installation: here.id }
}
