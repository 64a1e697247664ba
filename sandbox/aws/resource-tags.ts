import type { MessageGateway } from '#sandbox/gateway/gateway.ts'
import { WORLDS } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { passwordSecretOf } from '#sandbox/worlds/ids.ts'
import type { SnapshotWorlds } from './snapshots/snapshot-worlds.ts'

type Tags = Readonly<Record<string, string>>

/** The tags of an instance, a session, a secret or a snapshot, by its ARN: those that policies are written for. */
export function resourceTags(state: WorldState, gateway: MessageGateway, snapshots: SnapshotWorlds) {
  return (arn: string): Tags => {
    const [, , service, region = '', account = '', ...rest] = arn.split(':')
    const [kind = '', name = ''] = rest.join(':').split(/[:/](.*)/s)
    if (service === 'ec2' && kind === 'instance') return instanceTags(state, name)
    if (service === 'ssm' && kind === 'session') return gateway.find(name)?.terms.tags ?? {}
    if (service === 'secretsmanager') return secretTags(arn)
    const family = SNAPSHOT_FAMILIES[`${service} ${kind}`]
    if (family === undefined) return {}
    const all = snapshots.ofAccount(account).list(family, region, Number.POSITIVE_INFINITY)
    return all.find((each) => each.name === name)?.tags ?? {}
  }
}

const SNAPSHOT_FAMILIES: Readonly<Record<string, 'db' | 'db-cluster' | 'cache'>> = {
  'rds snapshot': 'db',
  'rds cluster-snapshot': 'db-cluster',
  'elasticache snapshot': 'cache',
}

function instanceTags(state: WorldState, id: string): Tags {
  const all = WORLDS.flatMap((world) => state.instances(world))
  return all.find(({ instanceId }) => instanceId === id)?.tags ?? {}
}

/** RDS notes on a password that it keeps whose it is. */
function secretTags(arn: string): Tags {
  const owners = WORLDS.flatMap((world) => world.databases.map(({ id }) => ({ world, id })))
  const owner = owners.find(({ world, id }) => passwordSecretOf(world, id) === arn)
  if (owner === undefined) return {}
  const { region, account } = owner.world
  return { 'aws:rds:primaryDBInstanceArn': `arn:aws:rds:${region}:${account}:db:${owner.id}` }
}
