import type { License } from './document.ts'
import { type Assessment, assess } from './policy.ts'
import { type LicenseRecord, noteReading, type Taken, takeText } from './record.ts'
import { type Place, standingOf } from './standing.ts'
import type { Verdict } from './verdicts.ts'

/** What a person brings in a file: signed texts, one a line; empty lines and those that begin with # are passed over. */

/** A document, a list of keys and a revocation, with room for words of the vendor. */
export const MAXIMUM_FILE_LENGTH = 256 * 1024

export interface Examination {
  readonly verdict: Verdict
  /** Why it is not taken, where it is not. */
  readonly why: string | undefined
  /** The license of the file; undefined where none of its lines is one that is genuine. */
  readonly license: License | undefined
  readonly assessment: Assessment | undefined
  readonly taken: readonly Taken[]
  /** The record with all of it taken; the same record where one line is refused. */
  readonly record: LicenseRecord
}

/** Judges a file against what is here; nothing is changed but in the record that is given back. */
export function examineFile(record: LicenseRecord, content: string, place: Place): Examination {
  const texts = content
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  let changed = noteReading(record, place.now)
  const taken = texts.map((text) => {
    const result = takeText(changed, text, { ...place, by: 'person' })
    changed = result.record
    return result.taken
  })
  const nothing = { license: undefined, assessment: undefined, taken, record }
  if (taken.length === 0) return { ...nothing, verdict: 'unreadable', why: 'it holds no signed line' }
  const refused = taken.find((each) => each.kind === 'refused')
  if (refused !== undefined) return { ...nothing, verdict: refused.verdict, why: refused.why }

  const document = taken.findLast((each) => each.kind === 'document')
  const standing = standingOf(changed, place)
  if (document === undefined)
    return {
      verdict: standing.verdict,
      why: undefined,
      license: standing.license,
      assessment: standing.assessment,
      taken,
      record: changed,
    }
  const { license } = document.installed
  const revocation = standing.revocation?.license === license.license ? standing.revocation : undefined
  const assessment = assess(license, {
    now: place.now,
    mark: changed.mark,
    installation: place.installation,
    product: place.product,
    revocation,
  })
  const { kind } = document.succession
  if (kind === 'superseded' || kind === 'conflict')
    return {
      verdict: 'superseded',
      why:
        kind === 'superseded'
          ? `its number is ${license.sequence}, and a higher one is here`
          : `another document with the number ${license.sequence} is here`,
      license,
      assessment,
      taken,
      record: changed,
    }
  return { verdict: assessment.verdict, why: undefined, license, assessment, taken, record: changed }
}
