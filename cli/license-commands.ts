import { PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import {
  type CheckOutcome,
  checkLicense,
  type LicenseCheck,
  type LicenseRequest,
  licenseRequest,
} from '#core/license/check.ts'
import { type Examination, examineFile } from '#core/license/file.ts'
import { licenseIdOf } from '#core/license/installation-id.ts'
import { EMPTY_RECORD, type Taken } from '#core/license/record.ts'
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
import type { LicenseContact, LicenseReport } from './render/license.ts'
import type { Warning } from './render/warning.ts'
import { wireVendor } from './vendor-wiring.ts'

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

/** Asks the vendor, keeps what it signs, and tells how the installation stands, whatever came of asking. */
export async function askVendor(
  surroundings: Surroundings,
  { keyFile, signal }: { readonly keyFile: string | undefined; readonly signal: AbortSignal },
): Promise<{ readonly report: LicenseReport; readonly outcome: CheckOutcome; readonly warnings: Warning[] }> {
  using deps = wireVendor(surroundings)
  const { here, door } = deps
  const check = await checkOf(deps, here, surroundings.version, keyFile)
  const { standing, outcome } = await checkLicense(check, (request) =>
    door.send('license', request, { trigger: 'person', signal }),
  )
  return { report: reportOfStanding(standing, here), outcome, warnings: outcomeWarnings(outcome) }
}

/** The request that asking would send, for somebody who carries it to the vendor. Nothing is sent. */
export async function offlineRequest(
  surroundings: Surroundings,
  keyFile: string | undefined,
): Promise<LicenseRequest> {
  const deps = wireLicense(surroundings)
  return licenseRequest(
    await checkOf(deps, licensedInstallation(surroundings), surroundings.version, keyFile),
  )
}

async function checkOf(
  { store, base, release }: LicenseDeps,
  here: LicensedInstallation,
  version: string,
  keyFile: string | undefined,
): Promise<LicenseCheck> {
  return {
    store,
    base,
    product: release.product,
    installation: here.id,
    license: keyFile === undefined ? undefined : licenseIdOf((await readLicenseFile(keyFile)).trim()),
    version,
    clock: systemClock,
    random: systemRandom,
  }
}

/** What a person should know of how asking went; none of it changes the verdict. */
function outcomeWarnings(outcome: CheckOutcome): Warning[] {
  switch (outcome.kind) {
    case 'answered':
      return takenWarnings(outcome.taken)
    case 'outage':
      return [outcome.error]
    case 'no-answer':
      return [
        {
          message: 'what was answered is no answer of the vendor',
          why: outcome.why,
          next: 'see which proxy or portal answers for it; the license stands meanwhile',
        },
      ]
    case 'other-time':
      return [
        {
          message: "the vendor's answer is not taken: its time is not that of this computer",
          why: outcome.why,
          next: 'set the clock of this computer right; the license stands meanwhile',
        },
      ]
  }
}

/** Of what was handed in: what is not taken, and a document that comes from another past than the one here. */
function takenWarnings(taken: readonly Taken[]): Warning[] {
  return taken.flatMap((each): Warning[] => {
    if (each.kind === 'refused')
      return [{ message: 'a part of the answer is not taken', why: each.why, next: 'tell the vendor' }]
    const differs =
      each.kind === 'document' && each.succession.kind === 'newer' && each.succession.chain === 'differs'
    return differs
      ? [
          {
            message: 'the document names another one before it than the one that was here',
            why: 'the vendor has issued two of one number, or this installation was copied',
            next: 'ask the vendor which installations it has issued documents for',
          },
        ]
      : []
  })
}

/** Takes a file into the record. @throws PgctlError `license-refused`, and nothing is changed. */
export async function installLicenseFile(
  path: string,
  surroundings: Surroundings,
): Promise<{ readonly report: LicenseReport; readonly changed: boolean; readonly warnings: Warning[] }> {
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
    return {
      record: changed ? examined.record : record,
      result: { report, changed, warnings: takenWarnings(examined.taken) },
    }
  })
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
      message: 'what is kept of the license here is damaged; its copy is used',
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
