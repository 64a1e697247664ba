import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { writeParameter } from '#core/aws/parameters.ts'
import { readSecret } from '#core/aws/secrets.ts'
import { PgctlError } from '#core/errors.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { type Trust, trustOfRelease } from '#core/license/trust.ts'
import type { Store } from '#core/store.ts'
import { type Door, openDoor } from '#core/vendor/door.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import { RELEASE, type VendorRelease } from '#core/vendor/release.ts'
import { readSwitch } from '#core/vendor/switches.ts'
import { VARIABLES } from './names.ts'
import { variableOf, versionOf } from './variables.ts'

/** What the function that verifies the license works with. */
export interface LicenseFunctionDeps {
  readonly release: VendorRelease
  readonly base: Trust
  readonly installation: string
  readonly version: string
  readonly store: Store
  readonly door: Door
  /** The license key, from its secret; asked for only while no document says which license it is. */
  licenseKey(signal: AbortSignal): Promise<string>
  publish(value: string, signal: AbortSignal): Promise<void>
}

/** Wires them from the function's variables, once for as long as the process lives. */
export function wireLicenseFunction(
  environment: NodeJS.ProcessEnv,
  release: VendorRelease | undefined = RELEASE,
): LicenseFunctionDeps {
  if (release === undefined)
    throw new PgctlError('not-supported', 'this build belongs to no vendor, so it can verify no license', {
      next: "deploy the functions that the product's vendor gives out",
    })
  const variable = (name: string) => variableOf(environment, name)
  const agents = createOutboundAgents(environment)
  const connection = connectAws({
    region: variable('AWS_REGION'),
    environment,
    agents,
    clock: systemClock,
    version: versionOf(),
  })
  const installation = variable(VARIABLES.installation)
  const store = createDocumentTable(connection, variable(VARIABLES.table))
  const ledger = openLedger({ store, installation, clock: systemClock, random: systemRandom })
  const secret = { id: variable(VARIABLES.licenseSecret), field: environment[VARIABLES.licenseSecretField] }
  const parameter = variable(VARIABLES.parameter)
  return {
    release,
    base: trustOfRelease(release),
    installation,
    version: versionOf(),
    store,
    door: openDoor({
      release,
      ledger,
      agents,
      clock: systemClock,
      chance: Math.random,
      isOff: async (kind) => !(await readSwitch(store, installation, kind)).on,
    }),
    licenseKey: (signal) => readSecret(connection, secret, signal),
    publish: (value, signal) => writeParameter(connection, parameter, value, signal),
  }
}
