import type { AwsConnection } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createIdentityApi } from '#core/aws/identity.ts'
import { confirmAccount } from '#core/installation/account-pin.ts'
import { createFileStore } from '#core/io/file-store.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { tableName } from '#core/stack/names.ts'
import type { Store } from '#core/store.ts'
import { type Surroundings, wireAccount } from './deps.ts'
import { type LicensedInstallation, licensedInstallation } from './license-wiring.ts'
import { paths } from './paths.ts'

/** What commands share that look at, or change, what the stack of an installation has in its account. */
export interface Deployed {
  readonly here: LicensedInstallation
  readonly connection: AwsConnection
  /** The table of the functions: their ledger, the license's record, the newest checkpoint. */
  readonly table: Store
}

/** Wires them. The caller is known to be of the pinned account when this gives its answer. */
export async function wireDeployed(surroundings: Surroundings, signal?: AbortSignal): Promise<Deployed> {
  const here = licensedInstallation(surroundings)
  const { installation } = here
  const { connection } = wireAccount(surroundings, installation)
  const store = createFileStore({ folder: paths(surroundings.environment).state, clock: systemClock })
  await confirmAccount(
    installation,
    { api: createIdentityApi(connection), store, now: systemClock.now().wall },
    signal,
  )
  return { here, connection, table: createDocumentTable(connection, tableName(installation.workspace)) }
}
