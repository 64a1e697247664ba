import { isPgctlError } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import { FRESH_LIFE, type LifeState, parseLife } from '../life-state.ts'
import { lifeKey } from '../names.ts'

/** What is written down of a bastion, and the version that a write must be of. */
export interface StoredLife {
  readonly state: LifeState
  readonly version: string
}

export async function readLife(store: Store, workspace: string): Promise<StoredLife> {
  const key = lifeKey(workspace)
  const stored = await store.read(key)
  if (stored === undefined) return { state: FRESH_LIFE, version: 'absent' }
  return { state: parseLife(stored.value, key), version: stored.version }
}

/** More often than that, something else is wrong than that two wrote at once. */
const MOST_TRIES = 8

/**
 * Writes what `change` makes of the state, on top of whatever others have written meanwhile.
 * @throws PgctlError what `change` throws, and `state-conflict` where others never cease to write.
 */
export async function changeLife(
  store: Store,
  workspace: string,
  change: (state: LifeState) => LifeState,
): Promise<LifeState> {
  for (let attempt = 1; ; attempt++) {
    const { state, version } = await readLife(store, workspace)
    const changed = change(state)
    try {
      await store.write(lifeKey(workspace), changed, version)
      return changed
    } catch (error) {
      if (!isPgctlError(error, 'state-conflict') || attempt >= MOST_TRIES) throw error
    }
  }
}
