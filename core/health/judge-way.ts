import { isPgctlError } from '#core/errors.ts'
import type { Outcome } from '#core/health/checks.ts'
import { type BastionQuery, chooseBastion } from '#core/installation/bastion-choice.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { judgeBastions } from '#core/installation/judge-bastions.ts'
import { describeAge } from '#core/text/age.ts'

/** Whether a machine is there that could be the way in; whether its agent answers is the next question. */
export function judgeBastion(inventory: Inventory, query: BastionQuery): Outcome {
  try {
    const { bastion } = chooseBastion(inventory, query)
    return { state: 'ok', says: `${bastion.id} runs${nameOf(bastion)}` }
  } catch (error) {
    const running = inventory.bastions.find(({ state }) => state === 'running')
    if (!isPgctlError(error, 'agent-offline') || running === undefined) throw error
    return { state: 'ok', says: `${running.id} runs${nameOf(running)}` }
  }
}

/** Whether its agent answers, and in a version that is fit to be used. */
export function judgeAgent(inventory: Inventory, query: BastionQuery): Outcome {
  const choice = chooseBastion(inventory, query)
  const { agent } = choice.bastion
  if (agent.kind !== 'registered')
    return { state: 'warning', says: 'its state is not known, which needs ssm:DescribeInstanceInformation' }
  const ping = agent.lastPing === undefined ? '' : `, last ping ${describeAge(agent.lastPing, query.now)}`
  const says = `agent ${agent.version ?? 'of unknown version'} is ${agent.ping}${ping}`
  const [worst] = judgeBastions(choice).filter(({ code }) => code === 'agent-vulnerable')
  if (worst === undefined) return { state: 'ok', says }
  return { state: 'warning', says: worst.message, why: worst.why, next: worst.next }
}

function nameOf({ name }: { readonly name: string | undefined }): string {
  return name === undefined ? '' : ` as ${name}`
}

/** Whether the cluster is there and takes requests. */
export function judgeCluster(inventory: Inventory, name: string): Outcome {
  const { cluster, region, unreadable } = inventory
  if (cluster !== undefined) {
    const says = `${cluster.name} ${cluster.version ?? ''} is ${cluster.status}`.replaceAll('  ', ' ')
    if (cluster.status === 'active') return { state: 'ok', says }
    const next = `see why: aws eks describe-cluster --region ${region} --name ${name}`
    return { state: cluster.status === 'updating' ? 'warning' : 'failed', says, next }
  }
  const refused = unreadable.find(({ part }) => part === 'cluster')
  if (refused !== undefined) throw refused.error
  return {
    state: 'failed',
    says: `there is no cluster ${name} in ${region}`,
    next: 'check workspace and region of the installation: pgctl config',
  }
}
