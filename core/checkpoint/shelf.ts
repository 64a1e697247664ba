import { PgctlError } from '#core/errors.ts'
import type { Store } from '#core/store.ts'
import type { CheckpointShelf, ShelvedNote } from './sign.ts'

/**
 * The newest checkpoint in the one small store: a file on a laptop, an item of the table in a cloud. Whoever may write
 * the store may take it away, and cannot make another; `archive` puts a copy where nobody can.
 */
export function createShelf(
  store: Store,
  installation: string,
  archive?: CheckpointShelf['put'],
): CheckpointShelf {
  const place = `checkpoints/${installation}/newest`
  return {
    async newest() {
      const stored = await store.read(place)
      if (stored === undefined) return undefined
      const { note, key } = Object(stored.value) as Partial<ShelvedNote>
      if (typeof note === 'string' && typeof key === 'string') return { note, key }
      throw new PgctlError('state-invalid', `the saved checkpoint (${place}) cannot be used`, {
        why: 'it has no note and no key',
        next: 'restore it from a backup; every checkpoint in the bucket of the stack is as good',
      })
    },
    async put(shelved, checkpoint, signal) {
      // First where it cannot be taken away again: a table that names what is in no bucket would claim too much.
      await archive?.(shelved, checkpoint, signal)
      await store.write(place, shelved)
    },
  }
}
