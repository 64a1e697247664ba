import { PgctlError } from '#core/errors.ts'
import type { Installation } from '#core/installation/installation.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { installationIdOf } from '#core/license/installation-id.ts'
import { type Trust, trustOfRelease } from '#core/license/trust.ts'
import type { Store } from '#core/store.ts'
import { RELEASE, type VendorRelease } from '#core/vendor/release.ts'
import { chooseInstallation } from './config.ts'
import type { Surroundings } from './deps.ts'
import { loadConfig } from './load-config.ts'
import { paths } from './paths.ts'

/** What the commands about the license share. Nothing is sent by any of it. */
export interface LicenseDeps {
  readonly release: VendorRelease
  /** The trust that came with the release. */
  readonly base: Trust
  readonly store: Store
}

/** The installation that a license is for, and its name with the vendor. */
export interface LicensedInstallation {
  readonly installation: Installation
  readonly id: string
}

/** @throws PgctlError `not-supported` where this build belongs to no vendor. */
export function wireLicense({ environment }: Pick<Surroundings, 'environment'>): LicenseDeps {
  const release = releaseOf()
  return {
    release,
    base: trustOfRelease(release),
    store: createFileStore({ folder: paths(environment).state, clock: systemClock }),
  }
}

export function releaseOf(): VendorRelease {
  if (RELEASE !== undefined) return RELEASE
  throw new PgctlError('not-supported', 'this pgctl belongs to no vendor, so it can verify no license', {
    why: 'it was built from the open sources, which hold no keys and no address of a vendor',
    next: "use the pgctl that the product's vendor gives out",
  })
}

/** The installation that flags, environment and files choose. */
export function licensedInstallation(
  surroundings: Pick<Surroundings, 'flags' | 'environment'>,
): LicensedInstallation {
  const installation = chooseInstallation(loadConfig(surroundings))
  return { installation, id: installationIdOf(installation) }
}

/** The same, or undefined where none is configured or chosen, and none is asked for. */
export function licensedInstallationIfAny(
  surroundings: Pick<Surroundings, 'flags' | 'environment'>,
): LicensedInstallation | undefined {
  const config = loadConfig(surroundings)
  const isChosen = config.settings.installation.value !== undefined || config.installations.size === 1
  return isChosen ? licensedInstallation(surroundings) : undefined
}
