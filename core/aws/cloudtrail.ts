import type { CloudTrailClient, Trail as DescribedTrail } from '@aws-sdk/client-cloudtrail'
import type { AwsConnection } from '#core/aws/clients.ts'
import { type Reading, reading } from '#core/aws/reading.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { Trail } from '#core/installation/inventory.ts'

const DESCRIBE_TRAILS = 'cloudtrail:DescribeTrails'
const GET_TRAIL_STATUS = 'cloudtrail:GetTrailStatus'

const clientOf = clientPerConnection<CloudTrailClient>(async (settings) => {
  const { CloudTrailClient } = await import('@aws-sdk/client-cloudtrail')
  return new CloudTrailClient(settings)
})

/** The trail of that name, and whether it writes. A list of names has no pages. */
export async function findTrail(
  connection: AwsConnection,
  name: string,
  signal?: AbortSignal,
): Promise<Reading<Trail>> {
  const found = await reading('trail', DESCRIBE_TRAILS, () => describeTrail(connection, name, signal))
  if (found.value === undefined) return { value: undefined, unreadable: found.unreadable }
  const arn = found.value.TrailARN ?? name
  const logging = await reading('trail', GET_TRAIL_STATUS, () => isLogging(connection, arn, signal))
  return { value: toTrail(name, found.value, logging.value), unreadable: logging.unreadable }
}

function describeTrail(connection: AwsConnection, name: string, signal: AbortSignal | undefined) {
  const call = { action: DESCRIBE_TRAILS, purpose: `look for the trail ${name}` }
  return connection.call(call, signal, async () => {
    const { DescribeTrailsCommand } = await import('@aws-sdk/client-cloudtrail')
    const client = await clientOf(connection)
    const { trailList } = await client.send(
      new DescribeTrailsCommand({ trailNameList: [name] }),
      abortedBy(signal),
    )
    return trailList?.find((trail) => trail.Name === name)
  })
}

function isLogging(connection: AwsConnection, name: string, signal: AbortSignal | undefined) {
  const call = { action: GET_TRAIL_STATUS, purpose: `ask whether the trail ${name} writes` }
  return connection.call(call, signal, async () => {
    const { GetTrailStatusCommand } = await import('@aws-sdk/client-cloudtrail')
    const client = await clientOf(connection)
    const { IsLogging } = await client.send(new GetTrailStatusCommand({ Name: name }), abortedBy(signal))
    return IsLogging
  })
}

function toTrail(name: string, trail: DescribedTrail, logging: boolean | undefined): Trail {
  return {
    name,
    logging,
    allRegions: trail.IsMultiRegionTrail === true,
    bucket: trail.S3BucketName,
    validated: trail.LogFileValidationEnabled === true,
  }
}
