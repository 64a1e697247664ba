import type { AwsConnection } from '#core/aws/clients.ts'
import { lookAtCache, lookAtGroup, makeCache, makeGroup } from '#core/aws/restore-caches.ts'
import { copyBack, lookAtClusterCopy, lookAtInstanceCopy } from '#core/aws/restore-copies.ts'
import {
  lookAtCluster,
  lookAtInstance,
  makeMember,
  newestClusterSnapshot,
  newestSnapshot,
  restoreCluster,
  restoreInstance,
} from '#core/aws/restore-databases.ts'
import { outcome } from '#core/aws/snapshots.ts'
import type { RestoreStep } from '#core/snapshots/restore/plan.ts'
import type { RestoreApi, Seen } from '#core/snapshots/restore/restore-api.ts'

interface KindCalls {
  /** What a look is, as a policy spells it. */
  readonly action: string
  look(
    connection: AwsConnection,
    step: RestoreStep,
    signal: AbortSignal | undefined,
  ): Promise<Seen | undefined>
  begin(connection: AwsConnection, step: RestoreStep, signal: AbortSignal | undefined): Promise<unknown>
}

const CALLS: Readonly<Record<RestoreStep['kind'], KindCalls>> = {
  'rds-instance': { action: 'rds:DescribeDBInstances', look: lookAtInstance, begin: restoreInstance },
  'rds-cluster': { action: 'rds:DescribeDBClusters', look: lookAtCluster, begin: restoreCluster },
  'rds-member': { action: 'rds:DescribeDBInstances', look: lookAtInstance, begin: makeMember },
  'rds-instance-copy': { action: 'rds:DescribeDBSnapshots', look: lookAtInstanceCopy, begin: copyBack },
  'rds-cluster-copy': { action: 'rds:DescribeDBClusterSnapshots', look: lookAtClusterCopy, begin: copyBack },
  'cache-cluster': { action: 'elasticache:DescribeCacheClusters', look: lookAtCache, begin: makeCache },
  'cache-group': { action: 'elasticache:DescribeReplicationGroups', look: lookAtGroup, begin: makeGroup },
}

/** Restores by RDS and ElastiCache; `connect` gives the same caller's connection in a region. */
export function createRestoreApi(connect: (region: string) => AwsConnection): RestoreApi {
  const connections = new Map<string, AwsConnection>()
  const connectionIn = (region: string) => {
    const connection = connections.get(region) ?? connect(region)
    connections.set(region, connection)
    return connection
  }
  return {
    look(step, signal) {
      const { action, look } = CALLS[step.kind]
      const connection = connectionIn(step.region)
      const call = { action, purpose: `look at ${step.name}`, resource: step.name }
      return connection.call(call, signal, () => look(connection, step, signal))
    },
    begin: (step, signal) =>
      outcome(signal, () => CALLS[step.kind].begin(connectionIn(step.region), step, signal)),
    async newest(source, signal) {
      if (source.kind !== 'rds-instance' && source.kind !== 'rds-cluster') return undefined
      const connection = connectionIn(source.region)
      const isInstance = source.kind === 'rds-instance'
      const action = isInstance ? 'rds:DescribeDBSnapshots' : 'rds:DescribeDBClusterSnapshots'
      const list = isInstance ? newestSnapshot : newestClusterSnapshot
      const call = { action, purpose: `list the snapshots of ${source.id}`, resource: source.id }
      return await connection.call(call, signal, () => list(connection, source, signal))
    },
  }
}
