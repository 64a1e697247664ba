import { createShelf } from '#core/checkpoint/shelf.ts'
import type { CheckpointShelf } from '#core/checkpoint/sign.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { Ledger } from '#core/vendor/ledger.ts'
import { type Deployed, wireDeployed } from './deployed.ts'
import type { Surroundings } from './deps.ts'
import { type LicensedInstallation, licensedInstallation } from './license-wiring.ts'
import { paths } from './paths.ts'
import { ledgerOf } from './vendor-wiring.ts'

/** Whose ledger is read: this computer's, or that of the functions in the installation's account. */
export interface LedgerChoice {
  readonly deployed: boolean
  readonly signal?: AbortSignal
}

export interface OpenedLedger {
  readonly here: LicensedInstallation
  readonly ledger: Ledger
  readonly shelf: CheckpointShelf
  readonly deployed: Deployed | undefined
}

/** None of it needs a vendor: what left, and that nothing did, can always be shown. */
export async function openLedgerHere(
  surroundings: Surroundings,
  { deployed: isDeployed, signal }: LedgerChoice,
): Promise<OpenedLedger> {
  if (isDeployed) {
    const deployed = await wireDeployed(surroundings, signal)
    const { here, table } = deployed
    return { here, ledger: ledgerOf(table, here), shelf: createShelf(table, here.id), deployed }
  }
  const here = licensedInstallation(surroundings)
  const store = createFileStore({ folder: paths(surroundings.environment).state, clock: systemClock })
  return { here, ledger: ledgerOf(store, here), shelf: createShelf(store, here.id), deployed: undefined }
}
