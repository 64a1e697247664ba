import { readFileSync } from 'node:fs'
import { createElevationApi } from '#core/aws/access-entries.ts'
import { createBastionControl } from '#core/aws/bastion-control.ts'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createSessionRecords } from '#core/aws/session-records.ts'
import { checkHours } from '#core/bastion/hours.ts'
import type { TickShell } from '#core/bastion/io/tick.ts'
import { DEFAULT_LIFE, type LifePolicy, scheduleOf } from '#core/bastion/policy.ts'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { parseProfile, resourceName } from '#core/installation/profile.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { BASTION_VARIABLES } from './names.ts'
import { variableOf, versionOf } from './variables.ts'

/** What the function that looks after the bastion works with. */
export interface BastionFunctionDeps {
  readonly workspace: string
  shell(signal: AbortSignal): TickShell
}

/** Wires them from the function's variables, once for as long as the process lives; `profiles` is a folder's URL. */
export function wireBastionFunction(environment: NodeJS.ProcessEnv, profiles: URL): BastionFunctionDeps {
  const variable = (name: string) => variableOf(environment, name)
  const workspace = variable(BASTION_VARIABLES.workspace)
  const product = variable(BASTION_VARIABLES.product)
  const profile = parseProfile(readFileSync(new URL(`${product}.yaml`, profiles), 'utf8'), product)
  const connection = connectAws({
    ...{ region: variable('AWS_REGION'), environment, agents: createOutboundAgents(environment) },
    ...{ clock: systemClock, version: versionOf() },
  })
  const ports = {
    control: createBastionControl(connection, resourceName(profile, 'bastion', workspace)),
    records: createSessionRecords(connection),
    elevations: createElevationApi(
      connection,
      resourceName(profile, 'cluster', workspace),
      profile.namespace,
    ),
    store: createDocumentTable(connection, variable(BASTION_VARIABLES.table)),
    policy: policyIn(environment),
  }
  return { workspace, shell: (signal) => ({ ...ports, signal }) }
}

function policyIn(environment: NodeJS.ProcessEnv): LifePolicy {
  const hours = environment[BASTION_VARIABLES.hours] ?? ''
  return {
    ...DEFAULT_LIFE,
    idleAfter: idleTime(environment[BASTION_VARIABLES.idleMinutes]),
    schedule: scheduleOf(checkHours(hours, BASTION_VARIABLES.hours, 'config-invalid')),
  }
}

/** 0 never stops it. */
function idleTime(minutes: string | undefined): Ms {
  if (minutes === undefined || minutes === '') return DEFAULT_LIFE.idleAfter
  const count = Number(minutes)
  if (!Number.isInteger(count) || count < 0 || count > 1_440)
    throw new PgctlError('config-invalid', `${BASTION_VARIABLES.idleMinutes} is ${minutes}`, {
      why: 'it is minutes, from 0 to 1440; 0 never stops the bastion',
      next: 'deploy the stack with another value: pgctl deploy --set bastionIdleMinutes=20 --plan',
    })
  return count === 0 ? Infinity : count * 60_000
}
