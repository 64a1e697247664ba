import { fileURLToPath } from 'node:url'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createKeyApi } from '#core/aws/key-states.ts'
import { readParameter } from '#core/aws/parameters.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { readProductProfile } from '#core/installation/io/product-profile.ts'
import { datastorePatterns } from '#core/installation/profile.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { VARIABLES } from './names.ts'
import type { SnapshotFunctionDeps } from './snapshot-function.ts'
import { variableOf, versionOf } from './variables.ts'

/**
 * Wires the functions that look after snapshots, from their variables. `root` is the folder that has the product
 * profiles: the function's own, where they are packed beside it.
 */
export function wireSnapshotFunction(
  environment: NodeJS.ProcessEnv,
  root = fileURLToPath(new URL('.', import.meta.url)),
): SnapshotFunctionDeps {
  const variable = (name: string) => variableOf(environment, name)
  const region = variable('AWS_REGION')
  const agents = createOutboundAgents(environment)
  const connectIn = (region: string) =>
    connectAws({ region, environment, agents, clock: systemClock, version: versionOf() })
  const connection = connectIn(region)
  const workspace = variable(VARIABLES.workspace)
  const product = variable(VARIABLES.product)
  const policy = variable(VARIABLES.snapshotPolicy)
  return {
    workspace,
    region,
    store: createDocumentTable(connection, variable(VARIABLES.snapshotTable)),
    api: createSnapshotApi(connectIn),
    keyApi: createKeyApi(connectIn),
    clock: systemClock,
    sources: async (signal) =>
      findSources(connection, datastorePatterns(await readProductProfile(root, product), workspace), signal),
    policy: (signal) => readParameter(connection, policy, signal),
  }
}
