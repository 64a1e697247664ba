import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Bastion, Inventory } from '#core/installation/inventory.ts'
import type { ScalingGroup } from '#core/installation/network.ts'
import { describeAge } from '#core/text/age.ts'

/** The bastion to open sessions on, and the others that answer to the name. */
export interface BastionChoice {
  readonly bastion: Bastion
  readonly others: readonly Bastion[]
}

/** What was looked for, to be named when it is not there. */
export interface BastionQuery {
  /** The name or the instance id that was looked for. */
  readonly wanted: string
  readonly now: Ms
}

/**
 * The newest bastion whose agent is online: during a refresh there are two. Where agents may not be asked about, the
 * newest running one: StartSession will say the rest.
 * @throws PgctlError `bastion-missing`, `bastion-stopped` or `agent-offline`, each with what is known of the instance
 *   and what to do; or the refusal that kept bastions from being seen.
 */
export function chooseBastion(inventory: Inventory, query: BastionQuery): BastionChoice {
  const newestFirst = inventory.bastions.toSorted((a, b) => (b.launchedAt ?? 0) - (a.launchedAt ?? 0))
  const bastion = newestFirst.find(isOnline) ?? newestFirst.find(mayBeOnline)
  if (bastion !== undefined) return { bastion, others: newestFirst.filter((other) => other !== bastion) }
  const resting = groupAtZero(inventory)
  if (resting !== undefined) throw atZero(resting)
  const nearest = newestFirst.find((candidate) => candidate.state === 'running') ?? newestFirst[0]
  throw nearest === undefined ? noBastion(inventory, query) : unusable(nearest, inventory.region, query)
}

/** A machine that has just stopped counts as online for minutes: its own state is the later news. */
function isOnline({ state, agent }: Bastion): boolean {
  return agent.kind === 'registered' && agent.ping === 'online' && (state === 'running' || state === 'unread')
}

function mayBeOnline({ state, agent }: Bastion): boolean {
  return agent.kind === 'unread' && state === 'running'
}

/**
 * The group that was set to 0, where there is no bastion for that reason: nothing is wrong, and the next session starts
 * one. Undefined where a machine is there, or groups were not read.
 */
export function groupAtZero({
  bastions,
  bastionGroups,
}: Pick<Inventory, 'bastions' | 'bastionGroups'>): ScalingGroup | undefined {
  const [group] = bastionGroups
  const isGone = bastions.every(({ state }) => state !== 'running' && state !== 'pending')
  return isGone && group !== undefined && bastionGroups.every(({ desired }) => desired === 0)
    ? group
    : undefined
}

/** What was refused explains an empty list better than the list does. */
function noBastion({ unreadable, region }: Inventory, { wanted }: BastionQuery): PgctlError {
  const refused =
    unreadable.find(({ part }) => part === 'instances') ?? unreadable.find(({ part }) => part === 'agents')
  if (refused !== undefined) return refused.error
  return new PgctlError('bastion-missing', `there is no bastion ${wanted} in ${region}`, {
    why: 'no instance and no registered agent answers to that name',
    next: 'check workspace and region of the installation (pgctl config), or name an instance: "bastion: i-…" in its entry',
  })
}

function atZero({ name }: ScalingGroup): PgctlError {
  return new PgctlError('bastion-stopped', 'the bastion is stopped', {
    why: `its group ${name} is at 0; the next session starts it`,
    next: 'start it: pgctl bastion start',
  })
}

/** Why a session cannot be opened on this bastion, with all that is known of it. */
function unusable(bastion: Bastion, region: string, { now }: BastionQuery): PgctlError {
  const facts = describeBastion(bastion, now)
  const label = labelOf(bastion)
  if (bastion.state === 'pending')
    return new PgctlError('bastion-stopped', `the bastion ${label} is still starting`, {
      why: facts,
      next: 'wait a minute and run the command again',
    })
  if (bastion.state !== 'running' && bastion.state !== 'unread')
    return new PgctlError('bastion-stopped', `the bastion ${label} is ${bastion.state}`, {
      why: facts,
      next: `start it: aws ec2 start-instances --region ${region} --instance-ids ${bastion.id}`,
    })
  if (bastion.agent.kind === 'registered')
    return new PgctlError('agent-offline', `the agent of the bastion ${label} does not answer`, {
      why: facts,
      next: `see whether the instance reaches ssmmessages in ${region}, or restart it: aws ec2 reboot-instances --region ${region} --instance-ids ${bastion.id}`,
    })
  return new PgctlError(
    'agent-offline',
    `the agent of the bastion ${label} has not registered with the session service`,
    {
      why: facts,
      next:
        bastion.role === undefined
          ? 'give the instance a profile whose role holds AmazonSSMManagedInstanceCore or the like'
          : `see whether the role of ${bastion.role} lets it register, and whether the instance reaches ssm and ssmmessages in ${region}`,
    },
  )
}

/** Everything known of a bastion in one line: instance state, ping status, last ping, agent, role. */
function describeBastion({ state, agent, role }: Bastion, now: Ms): string {
  const facts = [state === 'unread' ? 'instance state unknown' : `instance ${state}`]
  if (agent.kind === 'unregistered') facts.push('agent not registered')
  if (agent.kind === 'unread') facts.push('agent not known')
  if (agent.kind === 'registered') {
    facts.push(`ping status ${agent.ping}`)
    if (agent.lastPing !== undefined)
      facts.push(`last ping ${new Date(agent.lastPing).toISOString()} (${describeAge(agent.lastPing, now)})`)
    if (agent.version !== undefined) facts.push(`agent ${agent.version}`)
  }
  facts.push(role === undefined ? noRole(state) : `instance profile ${role}`)
  return facts.join(', ')
}

function noRole(state: Bastion['state']): string {
  return state === 'unread' ? 'instance profile unknown' : 'no instance profile'
}

function labelOf({ id, name }: Bastion): string {
  return name === undefined ? id : `${id} (${name})`
}
