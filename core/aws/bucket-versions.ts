import type { S3Client } from '@aws-sdk/client-s3'
import type { AwsConnection } from '#core/aws/clients.ts'
import { reading } from '#core/aws/reading.ts'
import { noncurrentDays } from '#core/aws/s3.ts'
import { abortedBy, clientPerConnection, orNone } from '#core/aws/sdk-client.ts'
import type { BucketName } from '#core/installation/buckets.ts'
import type { BucketApi, BucketMarker } from '#core/snapshots/buckets.ts'

/** A bucket may be in another region than its installation: the service then says where to ask. */
const clientOf = clientPerConnection<S3Client>(async (settings) => {
  const { S3Client } = await import('@aws-sdk/client-s3')
  return new S3Client({ ...settings, followRegionRedirects: true })
})

/** What the buckets that are meant to keep versions keep of them: two calls each, and no listing. */
export function createBucketApi(connection: AwsConnection, names: readonly BucketName[]): BucketApi {
  return {
    async markers(signal) {
      const wanted = names.filter(({ versioned }) => versioned)
      const read = await Promise.all(wanted.map(({ id }) => readMarker(connection, id, signal)))
      return read.filter((marker) => marker !== undefined)
    },
  }
}

async function readMarker(
  connection: AwsConnection,
  Bucket: string,
  signal: AbortSignal | undefined,
): Promise<BucketMarker | undefined> {
  const ask = <T>(action: string, question: () => Promise<T>) =>
    reading('buckets', action, () =>
      connection.call(
        { action, purpose: `ask about the bucket ${Bucket}`, resource: Bucket },
        signal,
        question,
      ),
    )
  const client = await clientOf(connection)
  const versioning = await ask('s3:GetBucketVersioning', async () => {
    const { GetBucketVersioningCommand } = await import('@aws-sdk/client-s3')
    const answer = client.send(new GetBucketVersioningCommand({ Bucket }), abortedBy(signal))
    const found = await orNone(answer, 'NoSuchBucket')
    return found === undefined ? 'none' : STATES[found.Status ?? '']
  })
  if (versioning.value === 'none') return undefined
  const days = await ask('s3:GetLifecycleConfiguration', async () => {
    const { GetBucketLifecycleConfigurationCommand } = await import('@aws-sdk/client-s3')
    const answer = client.send(new GetBucketLifecycleConfigurationCommand({ Bucket }), abortedBy(signal))
    return noncurrentDays(await orNone(answer, 'NoSuchLifecycleConfiguration'))
  })
  return {
    bucket: Bucket,
    ...(versioning.unreadable.length > 0 ? {} : { versioning: versioning.value ?? 'off' }),
    ...(days.value === undefined ? {} : { noncurrentDays: days.value }),
  }
}

const STATES: Readonly<Record<string, 'on' | 'suspended'>> = { Enabled: 'on', Suspended: 'suspended' }
