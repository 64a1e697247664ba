import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createStackBucket } from '#core/aws/stack-bucket.ts'
import { createStackApi } from '#core/aws/stacks.ts'
import { checkHours } from '#core/bastion/hours.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { readBastionVersion } from '#core/license/bastion-version.ts'
import {
  carryOut,
  type Deployment,
  type Proposal,
  propose,
  usableStack,
  withdraw,
} from '#core/stack/deploy.ts'
import { keepRelease, noteDeployed, readHistory, readRelease, rollbackTarget } from '#core/stack/history.ts'
import { stackName } from '#core/stack/names.ts'
import { chooseParameters, type GivenParameter } from '#core/stack/parameters.ts'
import { type Plan, skewOf, type Versions } from '#core/stack/plan.ts'
import {
  BUCKET_OUTPUT,
  RELEASE_OUTPUT,
  releaseOf,
  releaseSchema,
  type StackRelease,
  takenBy,
  VERSION_OUTPUT,
} from '#core/stack/release.ts'
import type { StackEvent, StackState } from '#core/stack/stack-api.ts'
import { parameterName, type Template } from '#core/stack/template.ts'
import { type Deployed, wireDeployed } from './deployed.ts'
import type { Surroundings } from './deps.ts'

const PREVIOUS = 'previous'

export interface DeployWishes {
  /** Only say what would be done. */
  readonly planOnly: boolean
  /** The name of the installation, from whoever has read the plan. */
  readonly confirm: string | undefined
  readonly set: ReadonlyMap<string, string>
  /** A release or version to go back to, or `previous`. */
  readonly rollback: string | undefined
  readonly signal: AbortSignal
  readonly onPlan: (plan: DeployPlan) => void
  readonly onEvent: (event: StackEvent) => void
}

/** What is about to be deployed, and what that changes. */
export interface DeployPlan {
  readonly stack: string
  readonly kind: 'create' | 'update'
  readonly release: string
  readonly versions: Versions
  readonly skew: readonly string[]
  /** Undefined where nothing would change. */
  readonly plan: Plan | undefined
}

export interface DeployReport extends DeployPlan {
  readonly done: boolean
}

interface Target {
  readonly version: string
  readonly template: Template
  /** Code that may not be there yet; that of a release to go back to is. */
  readonly archives: StackRelease['archives']
}

/** Proposes, shows and, where it is confirmed, deploys the stack of an installation. */
export async function deployStack(surroundings: Surroundings, wishes: DeployWishes): Promise<DeployReport> {
  const { signal, onEvent } = wishes
  // A function that cannot read its hours would look after nothing.
  for (const [name, value] of wishes.set)
    if (parameterName(name) === parameterName('bastionHours')) checkHours(value, name, 'usage')
  const deployed = await wireDeployed(surroundings, signal)
  const { here, connection } = deployed
  const release = await readStackRelease(surroundings.root)
  const stack = stackName(here.installation.workspace)
  const deployment: Deployment = {
    api: createStackApi(connection),
    clock: systemClock,
    stack,
    signal,
    onEvent,
  }
  const state = await usableStack(deployment)
  const target = await targetOf(release, state, deployed, wishes)
  const versions: Versions = {
    here: surroundings.version,
    functions: state?.outputs.get(VERSION_OUTPUT),
    bastion: state === undefined ? undefined : (await readBastionVersion(deployed.table, here.id))?.version,
  }
  const parameters = parametersOf(target.template, state, deployed, wishes.set)
  const proposal = await propose(deployment, state, { ...target, parameters, name: proposalName() })
  const plan: DeployPlan = {
    stack,
    kind: proposal.kind,
    release: releaseOf(target.template),
    versions,
    skew: skewOf(versions),
    plan: proposal.plan,
  }
  wishes.onPlan(plan)
  if (proposal.plan === undefined) return { ...plan, done: false }
  if (wishes.planOnly || wishes.confirm !== here.installation.name) {
    await withdraw(deployment, proposal)
    if (wishes.planOnly) return { ...plan, done: false }
    throw unconfirmed(here.installation.name, wishes)
  }
  await make(deployment, { release, target, parameters, proposal, state, deployed, root: surroundings.root })
  return { ...plan, done: true }
}

async function targetOf(
  release: StackRelease,
  state: StackState | undefined,
  { connection }: Deployed,
  { rollback, signal }: DeployWishes,
): Promise<Target> {
  if (rollback === undefined) {
    const { version, template, archives } = release
    return { version, template: template as Template, archives }
  }
  const bucket = state?.outputs.get(BUCKET_OUTPUT)
  if (bucket === undefined)
    throw new PgctlError('usage', 'there is nothing to go back to', {
      why: 'this installation has no stack yet',
      next: 'deploy it first: pgctl deploy --plan',
    })
  const shelf = createStackBucket(connection, bucket)
  const running = state?.outputs.get(RELEASE_OUTPUT)
  const entry = rollbackTarget(
    await readHistory(shelf, signal),
    running,
    rollback === PREVIOUS ? undefined : rollback,
  )
  return { version: entry.version, template: await readRelease(shelf, entry, signal), archives: [] }
}

function parametersOf(
  template: Template,
  state: StackState | undefined,
  { here }: Deployed,
  given: ReadonlyMap<string, string>,
): readonly GivenParameter[] {
  const known = new Map([
    [parameterName('workspace'), here.installation.workspace],
    [parameterName('installationId'), here.id],
  ])
  return chooseParameters(takenBy(template), { given, known, deployed: state?.parameters ?? new Map() })
}

interface Making {
  readonly release: StackRelease
  readonly target: Target
  readonly parameters: readonly GivenParameter[]
  readonly proposal: Proposal
  readonly state: StackState | undefined
  readonly deployed: Deployed
  readonly root: string
}

/** A stack begins with the bucket for its code, in which the code must lie before a function can be made of it. */
async function make(deployment: Deployment, making: Making): Promise<void> {
  const { release, target, parameters, deployed, root } = making
  let { state, proposal } = making
  if (state === undefined) {
    const begin = { template: release.bootstrap as Template, parameters: [], name: proposalName() }
    state = await carryOut(deployment, await propose(deployment, undefined, begin))
    proposal = await propose(deployment, state, { ...target, parameters, name: proposalName() })
  }
  const bucket = state.outputs.get(BUCKET_OUTPUT)
  if (bucket === undefined) throw new Error(`the stack ${deployment.stack} names no bucket for code`)
  const shelf = createStackBucket(deployed.connection, bucket)
  const { signal } = deployment
  for (const { file, key } of target.archives)
    if (!(await shelf.has(key, signal)))
      await shelf.put(key, await readFile(join(root, 'dist/stack', file)), signal)
  const { version, template } = target
  await keepRelease(shelf, releaseOf(template), template, signal)
  await carryOut(deployment, proposal)
  await noteDeployed(shelf, { release: releaseOf(template), version, now: systemClock.now().wall })
}

function proposalName(): string {
  return `pgctl-${Buffer.from(systemRandom(8)).toString('hex')}`
}

function unconfirmed(name: string, { rollback }: DeployWishes): PgctlError {
  const back = rollback === undefined ? '' : ` --rollback ${rollback}`
  return new PgctlError('usage', `nothing was deployed to ${name}: nobody has confirmed it`, {
    next: `if the plan is what you want: pgctl deploy${back} --confirm ${name}`,
  })
}

async function readStackRelease(root: string): Promise<StackRelease> {
  const path = join(root, 'dist/stack/release.json')
  try {
    return releaseSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw new PgctlError('not-supported', 'this build of pgctl brings no stack to deploy', {
      why: `${path}: ${messageOf(error)}`,
      next: 'use a released pgctl, or package the stack here: npm run stack',
      cause: error,
    })
  }
}
