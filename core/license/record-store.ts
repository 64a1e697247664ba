import { isPgctlError, messageOf } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import { EMPTY_RECORD, type LicenseRecord, recordSchema } from './record.ts'

/** The record of an installation, in the one small store, and beside it a copy: a file that is damaged takes nothing away. */

/** Writers are few: a person, a cron. */
const TRIES = 8

export interface KeptRecord {
  readonly record: LicenseRecord
  /** What is wrong with what was stored, where the copy, or nothing, had to do. */
  readonly damage: string | undefined
}

const placeOf = (installation: string) => `license/${installation}/record`
const copyOf = (installation: string) => `license/${installation}/copy`

/** The record; an empty one where nothing was stored. That it is damaged is told, and is never an error. */
export async function readRecord(store: Store, installation: string): Promise<KeptRecord> {
  const { record, damage } = await load(store, installation)
  return { record, damage }
}

/**
 * Changes the record by `change`, which is asked again if somebody else has written meanwhile. Nothing is written when
 * it gives the same record.
 */
export async function changeRecord<Result>(
  store: Store,
  installation: string,
  change: (record: LicenseRecord) => { readonly record: LicenseRecord; readonly result: Result },
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const { record, version, damage } = await load(store, installation)
    const changed = change(record)
    if (changed.record === record) return changed.result
    try {
      // What cannot be read has no version to compare.
      await store.write(placeOf(installation), changed.record, damage === undefined ? version : undefined)
      await store.write(copyOf(installation), changed.record)
      return changed.result
    } catch (error) {
      if (attempt >= TRIES || !isPgctlError(error, 'state-conflict')) throw error
    }
  }
}

async function load(
  store: Store,
  installation: string,
): Promise<KeptRecord & { readonly version: string | 'absent' }> {
  const kept = await readPlace(store, placeOf(installation))
  if (kept.damage === undefined) return { ...kept, record: kept.record ?? EMPTY_RECORD, damage: undefined }
  const copy = await readPlace(store, copyOf(installation))
  return { record: copy.record ?? EMPTY_RECORD, version: kept.version, damage: kept.damage }
}

async function readPlace(
  store: Store,
  place: string,
): Promise<{
  readonly record: LicenseRecord | undefined
  readonly version: string | 'absent'
  readonly damage: string | undefined
}> {
  try {
    const stored = await store.read(place)
    if (stored === undefined) return { record: undefined, version: 'absent', damage: undefined }
    const parsed = recordSchema.safeParse(stored.value)
    return parsed.success
      ? { record: parsed.data, version: stored.version, damage: undefined }
      : {
          record: undefined,
          version: stored.version,
          damage: `the saved state ${place} has not the fields of a license`,
        }
  } catch (error) {
    if (!isPgctlError(error, 'state-invalid')) throw error
    return { record: undefined, version: 'absent', damage: messageOf(error) }
  }
}
