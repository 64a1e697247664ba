import type { Ms } from '#core/clock.ts'
import type { Store } from '#core/store.ts'

/** Which pgctl the bastion had when it last came up: its unit says so as it has the license verified. */
export interface BastionVersion {
  readonly version: string
  /** ISO time. */
  readonly at: string
}

const placeOf = (installation: string) => `license/${installation}/bastion`

export async function noteBastionVersion(
  store: Store,
  installation: string,
  version: string,
  now: Ms,
): Promise<void> {
  await store.write(placeOf(installation), { version, at: new Date(now).toISOString() })
}

export async function readBastionVersion(
  store: Store,
  installation: string,
): Promise<BastionVersion | undefined> {
  const { version, at } = Object((await store.read(placeOf(installation)))?.value) as Partial<BastionVersion>
  return typeof version === 'string' && typeof at === 'string' ? { version, at } : undefined
}
