import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createStackApi } from '#core/aws/stacks.ts'
import { withDatastoreRules } from '#core/bastion/datastore-rules.ts'
import { activityKey, bastionStackName, lifeKey } from '#core/bastion/names.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { carryOut, type Deployment, propose, removeStack, usableStack, withdraw } from '#core/stack/deploy.ts'
import { stackName } from '#core/stack/names.ts'
import { labelled, releaseOf, VERSION_OUTPUT } from '#core/stack/release.ts'
import type { StackApi, StackEvent, StackState } from '#core/stack/stack-api.ts'
import type { Template } from '#core/stack/template.ts'
import { bastionParameters, type ParameterWishes, rulesOf } from './bastion-parameters.ts'
import type { DeployPlan, DeployReport } from './deploy.ts'
import { type Deployed, wireDeployed } from './deployed.ts'
import { type Deps, type Surroundings, wireInstallation } from './deps.ts'

export interface BastionDeployWishes extends ParameterWishes {
  readonly planOnly: boolean
  readonly confirm: string | undefined
  readonly onPlan: (plan: DeployPlan) => void
  readonly onEvent: (event: StackEvent) => void
}

/** Proposes, shows and, where it is confirmed, deploys the stack of the bastion. */
export async function deployBastion(
  surroundings: Surroundings,
  wishes: BastionDeployWishes,
): Promise<DeployReport> {
  const { signal, onEvent } = wishes
  const deployed = await wireDeployed(surroundings, signal)
  const deps = await wireInstallation(surroundings)
  const { installation } = deployed.here
  const api = createStackApi(deployed.connection)
  const stack = bastionStackName(installation.workspace)
  const functions = await functionsOf(api, installation.workspace, signal)
  const deployment: Deployment = { api, clock: systemClock, stack, signal, onEvent }
  const state = await usableStack(deployment)
  if (state === undefined) await checkNoOtherGroup(deps, signal)
  const released = labelled(surroundings.version, await readTemplate(surroundings.root))
  const parameters = await bastionParameters(released, state, deps, wishes)
  const template = withDatastoreRules(released, rulesOf(parameters, state))
  const proposal = await propose(deployment, state, { template, parameters, name: proposalName() })
  const plan: DeployPlan = {
    ...{ stack, kind: proposal.kind, release: releaseOf(template), plan: proposal.plan, skew: [] },
    versions: {
      here: surroundings.version,
      functions: functions.outputs.get(VERSION_OUTPUT),
      bastion: undefined,
    },
  }
  wishes.onPlan(plan)
  if (proposal.plan === undefined) return { ...plan, done: false }
  if (wishes.planOnly || wishes.confirm !== installation.name) {
    await withdraw(deployment, proposal)
    if (wishes.planOnly) return { ...plan, done: false }
    throw new PgctlError(
      'usage',
      `no bastion was deployed to ${installation.name}: nobody has confirmed it`,
      {
        next: `if the plan is what you want: pgctl bastion deploy --confirm ${installation.name}`,
      },
    )
  }
  await carryOut(deployment, proposal)
  return { ...plan, done: true }
}

/** The function that looks after it, and the table of its life, are of the other stack, which comes first. */
async function functionsOf(api: StackApi, workspace: string, signal: AbortSignal): Promise<StackState> {
  const state = await api.stack(stackName(workspace), signal)
  if (state !== undefined) return state
  throw new PgctlError('target-unknown', 'there is nothing that would look after a bastion', {
    why: `the stack ${stackName(workspace)}, with the functions and their table, is not there`,
    next: 'deploy it first: pgctl deploy --plan',
  })
}

/** A group of that name which is not ours is Terraform's: two could not have one name. */
async function checkNoOtherGroup({ bastionControl }: Deps, signal: AbortSignal): Promise<void> {
  const group = await bastionControl.look(signal)
  if (group === undefined) return
  throw new PgctlError('state-conflict', `there is a group ${group.name} already, and it is not ours`, {
    why: 'whatever made it, Terraform for one, would undo what is deployed here',
    next: 'remove it where it was made; or keep it: pgctl bastion status, start, stop and hold work on it as it is',
  })
}

export interface DestroyReport {
  readonly stack: string
  readonly done: boolean
}

/** Deletes the stack of the bastion and what was written down of its life. */
export async function destroyBastion(
  surroundings: Surroundings,
  wishes: Pick<BastionDeployWishes, 'confirm' | 'signal' | 'onEvent'>,
): Promise<DestroyReport> {
  const { signal, onEvent, confirm } = wishes
  const deployed = await wireDeployed(surroundings, signal)
  const { installation } = deployed.here
  if (confirm !== installation.name)
    throw new PgctlError('usage', `nothing of ${installation.name} was deleted: nobody has confirmed it`, {
      why: 'whoever is on the bastion is cut off, and what was written down of sessions and by its audit is deleted with its key',
      next: `if that is what you want: pgctl bastion destroy --confirm ${installation.name}`,
    })
  const stack = bastionStackName(installation.workspace)
  const api = createStackApi(deployed.connection)
  const done = await removeStack({ api, clock: systemClock, stack, signal, onEvent })
  await forgetLife(deployed)
  return { stack, done }
}

/** Where the functions are gone already, their table may be, too. */
async function forgetLife({ table, here }: Deployed): Promise<void> {
  const { workspace } = here.installation
  try {
    await Promise.all([lifeKey(workspace), activityKey(workspace)].map((key) => table.remove(key)))
  } catch (error) {
    if (!isPgctlError(error, 'target-unknown')) throw error
  }
}

function proposalName(): string {
  return `pgctl-${Buffer.from(systemRandom(8)).toString('hex')}`
}

async function readTemplate(root: string): Promise<Template> {
  const path = join(root, 'dist/bastion-stack.json')
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Template
  } catch (error) {
    throw new PgctlError('not-supported', 'this build of pgctl brings no bastion to deploy', {
      why: `${path}: ${messageOf(error)}`,
      next: 'use a released pgctl, or build it here: npm run build',
      cause: error,
    })
  }
}
