import type { GetBucketLifecycleConfigurationOutput, S3Client } from '@aws-sdk/client-s3'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { NOT_ASKED, type Reading, reading } from '#core/aws/reading.ts'
import { abortedBy, clientPerConnection, orNone } from '#core/aws/sdk-client.ts'
import type { Bucket, BucketName } from '#core/installation/buckets.ts'

const LIST_BUCKETS = 's3:ListAllMyBuckets'

type S3 = typeof import('@aws-sdk/client-s3')
type Options = ReturnType<typeof abortedBy>

/** A bucket may be in another region than its installation: the service then says where to ask. */
const clientOf = clientPerConnection<S3Client>(async (settings) => {
  const { S3Client } = await import('@aws-sdk/client-s3')
  return new S3Client({ ...settings, followRegionRedirects: true })
})

/** Those of `names` that there are, in their order. What may not be asked of a bucket is undefined in it. */
export async function findBuckets(
  connection: AwsConnection,
  names: readonly BucketName[],
  signal?: AbortSignal,
): Promise<Reading<Bucket[]>> {
  if (names.length === 0) return NOT_ASKED
  const list = await reading('buckets', LIST_BUCKETS, () => listBuckets(connection, names, signal))
  const regions = new Map(list.value)
  const there = names.filter(({ id }) => regions.has(id))
  const read = await Promise.all(
    there.map((name) => readBucket(connection, name, regions.get(name.id), signal)),
  )
  return {
    value: list.value && read.map(({ bucket }) => bucket),
    unreadable: [...list.unreadable, ...read.flatMap(({ unreadable }) => unreadable)],
  }
}

/** Names with regions of the account's buckets, as far as they begin alike. */
function listBuckets(
  connection: AwsConnection,
  names: readonly BucketName[],
  signal: AbortSignal | undefined,
) {
  const Prefix = commonStart(names.map(({ id }) => id))
  return connection.call({ action: LIST_BUCKETS, purpose: 'look for buckets' }, signal, async () => {
    const { ListBucketsCommand } = await import('@aws-sdk/client-s3')
    const client = await clientOf(connection)
    const input = { MaxBuckets: 1000, ...(Prefix === '' ? {} : { Prefix }) }
    const buckets = await readPages(
      'buckets',
      (ContinuationToken) =>
        client.send(new ListBucketsCommand({ ...input, ContinuationToken }), abortedBy(signal)),
      ({ Buckets, ContinuationToken }) => ({ items: Buckets, next: ContinuationToken }),
    )
    return buckets.flatMap(({ Name, BucketRegion }) =>
      Name === undefined ? [] : [[Name, BucketRegion] as const],
    )
  })
}

/** What all of `texts` begin with. */
export function commonStart([first = '', ...others]: readonly string[]): string {
  let length = first.length
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--
  return first.slice(0, length)
}

async function readBucket(
  connection: AwsConnection,
  { name, id, public: meantPublic, versioned: meantVersioned }: BucketName,
  region: string | undefined,
  signal: AbortSignal | undefined,
) {
  const ask = asker(connection, id, signal)
  const [versioning, lifecycle, access] = await Promise.all([
    ask('s3:GetBucketVersioning', async (sdk, client, options) => {
      const { Status } = await client.send(new sdk.GetBucketVersioningCommand({ Bucket: id }), options)
      return Status === 'Enabled' ? 'on' : Status === 'Suspended' ? 'suspended' : 'off'
    }),
    ask('s3:GetLifecycleConfiguration', async (sdk, client, options) => {
      const command = new sdk.GetBucketLifecycleConfigurationCommand({ Bucket: id })
      return noncurrentDays(await orNone(client.send(command, options), 'NoSuchLifecycleConfiguration'))
    }),
    readAccess(ask, id),
  ])
  const bucket: Bucket = {
    name,
    id,
    region,
    versioning: versioning.value,
    noncurrentDays: lifecycle.value,
    public: access.value,
    meantPublic,
    meantVersioned,
  }
  return { bucket, unreadable: [versioning, lifecycle, access].flatMap(({ unreadable }) => unreadable) }
}

type Ask = <T>(
  action: string,
  question: (sdk: S3, client: S3Client, options: Options) => Promise<T>,
) => Promise<Reading<T>>

function asker(connection: AwsConnection, bucket: string, signal: AbortSignal | undefined): Ask {
  return (action, question) =>
    reading('buckets', action, () =>
      connection.call(
        { action, purpose: `ask about the bucket ${bucket}`, resource: bucket },
        signal,
        async () => {
          const sdk = await import('@aws-sdk/client-s3')
          return await question(sdk, await clientOf(connection), abortedBy(signal))
        },
      ),
    )
}

/**
 * Whether everybody may read: by a policy or by an access list, unless what blocks public access takes the effect
 * away. Where everything is blocked, which is the default, neither need be read.
 */
async function readAccess(ask: Ask, Bucket: string): Promise<Reading<boolean>> {
  const block = await ask('s3:GetBucketPublicAccessBlock', async (sdk, client, options) => {
    const command = new sdk.GetPublicAccessBlockCommand({ Bucket })
    const answer = await orNone(client.send(command, options), 'NoSuchPublicAccessBlockConfiguration')
    return answer?.PublicAccessBlockConfiguration ?? {}
  })
  const { RestrictPublicBuckets: noPolicy = false, IgnorePublicAcls: noList = false } = block.value ?? {}
  const byPolicy = noPolicy
    ? NOT_ASKED
    : await ask('s3:GetBucketPolicyStatus', async (sdk, client, options) => {
        const command = new sdk.GetBucketPolicyStatusCommand({ Bucket })
        const answer = await orNone(client.send(command, options), 'NoSuchBucketPolicy')
        return answer?.PolicyStatus?.IsPublic ?? false
      })
  const byList =
    noList || byPolicy.value === true
      ? NOT_ASKED
      : await ask('s3:GetBucketAcl', async (sdk, client, options) => {
          const { Grants = [] } = await client.send(new sdk.GetBucketAclCommand({ Bucket }), options)
          return Grants.some(({ Grantee }) => Grantee?.URI?.endsWith('/groups/global/AllUsers'))
        })
  const unreadable = [block, byPolicy, byList].flatMap((each) => each.unreadable)
  // A grant that may be blocked is none that is known.
  const granted = byPolicy.value === true || byList.value === true
  if (block.value === undefined) return { value: granted ? undefined : decided(byPolicy, byList), unreadable }
  return { value: granted || (unreadable.length > 0 ? undefined : false), unreadable }
}

/** Without a grant nothing is public, whatever is blocked. */
function decided(...grants: readonly Reading<boolean>[]): false | undefined {
  return grants.every(({ value }) => value === false) ? false : undefined
}

/** The shortest time of the rules that hold for the whole bucket. */
export function noncurrentDays(
  lifecycle: GetBucketLifecycleConfigurationOutput | undefined,
): number | 'never' {
  const days = (lifecycle?.Rules ?? []).flatMap((rule) => {
    const { Status, Filter, Prefix, NoncurrentVersionExpiration } = rule
    const forAll =
      !Prefix &&
      !Filter?.Prefix &&
      !Filter?.Tag &&
      !Filter?.And &&
      !Filter?.ObjectSizeGreaterThan &&
      !Filter?.ObjectSizeLessThan
    return Status === 'Enabled' && forAll ? (NoncurrentVersionExpiration?.NoncurrentDays ?? []) : []
  })
  return days.length === 0 ? 'never' : Math.min(...days)
}
