import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { Store } from '#core/store.ts'
import { type Door, openDoor } from '#core/vendor/door.ts'
import { type Ledger, openLedger } from '#core/vendor/ledger.ts'
import { readSwitch } from '#core/vendor/switches.ts'
import type { Surroundings } from './deps.ts'
import {
  type LicenseDeps,
  type LicensedInstallation,
  licensedInstallation,
  wireLicense,
} from './license-wiring.ts'

/** What commands that may send something share: the door, and the ledger in front of it. */
export interface VendorDeps extends LicenseDeps, Disposable {
  readonly here: LicensedInstallation
  readonly ledger: Ledger
  readonly door: Door
}

export function wireVendor(surroundings: Surroundings): VendorDeps {
  const deps = wireLicense(surroundings)
  const here = licensedInstallation(surroundings)
  const ledger = ledgerOf(deps.store, here)
  const agents: OutboundAgents = createOutboundAgents(surroundings.environment)
  const door = openDoor({
    release: deps.release,
    ledger,
    agents,
    clock: systemClock,
    chance: Math.random,
    isOff: async (kind) => !(await readSwitch(deps.store, here.id, kind)).on,
  })
  return { ...deps, here, ledger, door, [Symbol.dispose]: () => agents.close() }
}

/** The ledger of an installation on this computer. */
export function ledgerOf(store: Store, { id }: LicensedInstallation): Ledger {
  return openLedger({ store, installation: id, clock: systemClock, random: systemRandom })
}
