import type { Operation } from '../service.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many } from '../xml.ts'

/** What RDS tells of the account's quotas, as far as snapshots go. */
export function rdsQuotaOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  return {
    DescribeAccountAttributes: {
      resources: () => [],
      run(_input, call) {
        const world = worlds.of(call)
        const used = (family: 'db' | 'db-cluster') =>
          world.list(family, call.region, worlds.now(call)).filter(({ manual }) => manual).length
        const quota = (AccountQuotaName: string, family: 'db' | 'db-cluster') => ({
          ...{ AccountQuotaName, Used: used(family), Max: world.rules.manualLimit },
        })
        return {
          AccountQuotas: many('AccountQuota', [
            quota('ManualSnapshots', 'db'),
            quota('ManualClusterSnapshots', 'db-cluster'),
          ]),
        }
      },
    },
  }
}
