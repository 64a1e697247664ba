import { readFileSync } from 'node:fs'
import { createBucketApi } from '#core/aws/bucket-versions.ts'
import { type AwsAccess, connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createKeyApi } from '#core/aws/key-states.ts'
import { readParameter } from '#core/aws/parameters.ts'
import { createQuotaApi } from '#core/aws/quotas.ts'
import { findSources } from '#core/aws/snapshot-sources.ts'
import { createSnapshotApi } from '#core/aws/snapshots.ts'
import { PgctlError } from '#core/errors.ts'
import { bucketNames, datastorePatterns, parseProfile } from '#core/installation/profile.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { TickShell } from '#core/snapshots/io/tick.ts'
import { SNAPSHOT_VARIABLES } from './names.ts'

declare const PGCTL_VERSION: string

/** What the function that makes and keeps snapshots works with. */
export interface SnapshotFunctionDeps {
  readonly workspace: string
  readonly region: string
  shell(signal: AbortSignal): TickShell
}

/** Wires them from the function's variables, once for as long as the process lives; `profiles` is a folder's URL. */
export function wireSnapshotFunction(environment: NodeJS.ProcessEnv, profiles: URL): SnapshotFunctionDeps {
  const variable = (name: string): string => {
    const value = environment[name]
    if (value) return value
    throw new PgctlError('config-invalid', `the variable ${name} of the function is not set`, {
      next: 'deploy the stack anew: its template sets it',
    })
  }
  const workspace = variable(SNAPSHOT_VARIABLES.workspace)
  const region = variable('AWS_REGION')
  const product = variable(SNAPSHOT_VARIABLES.product)
  const profile = parseProfile(readFileSync(new URL(`${product}.yaml`, profiles), 'utf8'), product)
  const access: AwsAccess = {
    ...{ region, environment, agents: createOutboundAgents(environment), clock: systemClock },
    version: typeof PGCTL_VERSION === 'undefined' ? '0.0.0' : PGCTL_VERSION,
  }
  const connection = connectAws(access)
  const connectionIn = (place: string) =>
    place === region ? connection : connectAws({ ...access, region: place })
  // Who makes snapshots may not delete them: that is another role, which sees our own alone.
  const role = { arn: variable(SNAPSHOT_VARIABLES.deleteRole) }
  const removerIn = (place: string) => connectAws({ ...access, region: place, role })
  const patterns = datastorePatterns(profile, workspace)
  const parameter = variable(SNAPSHOT_VARIABLES.policy)
  const ports = {
    api: createSnapshotApi(connectionIn, removerIn),
    keyApi: createKeyApi(connectionIn),
    bucketApi: createBucketApi(connection, bucketNames(profile, workspace)),
    quotaApi: createQuotaApi(connectionIn),
    store: createDocumentTable(connection, variable(SNAPSHOT_VARIABLES.table)),
    clock: systemClock,
    chance: Math.random,
  }
  return {
    workspace,
    region,
    shell: (signal) => ({
      ...ports,
      signal,
      async findSources() {
        const { value = [], unreadable } = await findSources(connection, patterns, signal)
        return { sources: value, unreadable: unreadable.map(({ error }) => error.message) }
      },
      async readPolicy() {
        const text = await readParameter(connection, parameter, signal)
        return text === undefined ? undefined : { text, from: `in the parameter ${parameter}` }
      },
    }),
  }
}
