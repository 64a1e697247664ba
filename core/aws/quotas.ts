import type { AwsConnection } from '#core/aws/clients.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import { rdsClient } from '#core/aws/snapshot-sources.ts'
import { isPgctlError } from '#core/errors.ts'
import type { QuotaApi } from '#core/snapshots/quotas.ts'
import type { Shelf } from '#core/snapshots/snapshot.ts'

/** How RDS calls the quotas; of caches no service tells any. */
const SHELF_OF: Readonly<Record<string, Shelf>> = {
  ManualSnapshots: 'rds-instances',
  ManualClusterSnapshots: 'rds-clusters',
}

/** What RDS itself says of the account's quotas: one call a region for all, and what was raised is in it. */
export function createQuotaApi(connect: (region: string) => AwsConnection): QuotaApi {
  return {
    async read(region, signal) {
      const connection = connect(region)
      const call = { action: 'rds:DescribeAccountAttributes', purpose: `read the quotas of ${region}` }
      try {
        const { AccountQuotas = [] } = await connection.call(call, signal, async () => {
          const { DescribeAccountAttributesCommand } = await import('@aws-sdk/client-rds')
          const client = await rdsClient(connection)
          return await client.send(new DescribeAccountAttributesCommand({}), abortedBy(signal))
        })
        const known = AccountQuotas.flatMap(({ AccountQuotaName, Max }) => {
          const shelf = SHELF_OF[AccountQuotaName ?? '']
          return shelf === undefined || Max === undefined ? [] : [[shelf, Max] as const]
        })
        return { region, snapshots: Object.fromEntries(known), missing: undefined }
      } catch (error) {
        if (!isPgctlError(error) || error.code === 'interrupted') throw error
        return { region, snapshots: {}, missing: error.message }
      }
    },
  }
}
