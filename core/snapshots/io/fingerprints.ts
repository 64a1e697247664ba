import { createHmac } from 'node:crypto'
import type { RandomBytes } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import {
  type ClusterFacts,
  canonicalJson,
  digestKeyKey,
  type Fingerprint,
  fingerprintKey,
  parseFingerprint,
} from '#core/snapshots/fingerprint.ts'
import type { Store } from '#core/store.ts'

/** Digests that nobody can compare a guess with who does not have the key; the label keeps kinds apart. */
export function makeFingerprint({ at, secrets, releases }: ClusterFacts, key: Uint8Array): Fingerprint {
  const digest = (label: string, value: string | Uint8Array) =>
    createHmac('sha256', key).update(`${label.length}:${label}`).update(value).digest('base64url')
  const entries = [...secrets].flatMap(([secret, values]) =>
    [...values].map(([entry, value]) => {
      const name = `${secret}/${entry}`
      return [name, digest(name, value)] as const
    }),
  )
  return {
    ...{ version: 1, at, entries: Object.fromEntries(entries) },
    releases: Object.fromEntries(
      releases.map(({ name, chart, revision, values }) => [
        name,
        { chart, revision, values: digest(`values of ${name}`, canonicalJson(values)) },
      ]),
    ),
  }
}

/** The installation's key for digests, made at its first use. @throws PgctlError `state-invalid` */
export async function digestKey(store: Store, workspace: string, random: RandomBytes): Promise<Uint8Array> {
  const place = digestKeyKey(workspace)
  for (;;) {
    const stored = await store.read(place)
    if (stored !== undefined) {
      const { key } = Object(stored.value) as { key?: unknown }
      if (typeof key === 'string' && key.length >= 43) return Buffer.from(key, 'base64url')
      throw new PgctlError('state-invalid', `the key of fingerprints ${place} cannot be read`, {
        why: 'it is not what this version writes',
        next: 'restore it from a backup of the state: with another one no fingerprint can be compared',
      })
    }
    try {
      await store.write(place, { key: Buffer.from(random(32)).toString('base64url') }, 'absent')
    } catch (error) {
      if (!isPgctlError(error, 'state-conflict')) throw error
    }
  }
}

/** The first fingerprint of a point is the one that counts. */
export async function keepFingerprint(
  store: Store,
  workspace: string,
  point: string,
  fingerprint: Fingerprint,
): Promise<void> {
  try {
    await store.write(fingerprintKey(workspace, point), fingerprint, 'absent')
  } catch (error) {
    if (!isPgctlError(error, 'state-conflict')) throw error
  }
}

/** All that were kept, by the id of their point. @throws PgctlError `state-invalid` */
export async function readFingerprints(store: Store, workspace: string): Promise<Map<string, Fingerprint>> {
  const prefix = fingerprintKey(workspace, '')
  const found = new Map<string, Fingerprint>()
  for (const key of await store.list(prefix)) {
    const stored = await store.read(key)
    if (stored !== undefined) found.set(key.slice(prefix.length), parseFingerprint(stored.value, key))
  }
  return found
}
