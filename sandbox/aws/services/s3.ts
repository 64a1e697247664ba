import { WORLDS } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { digits } from '#sandbox/worlds/ids.ts'
import { tagsOf, type World, type WorldBucket } from '#sandbox/worlds/installation.ts'
import { AwsError } from '../aws-error.ts'
import { restXmlDialect, type XmlOutput } from '../dialects/rest-xml.ts'
import { page } from '../pages.ts'
import type { AwsService, Call, Input, Operation } from '../service.ts'
import { many } from '../xml.ts'
import { objectOperations } from './s3-objects.ts'

/** A bucket, whose it is, and whether everybody may read it. */
interface Found {
  readonly world: World
  readonly bucket: WorldBucket
  readonly isPublic: boolean
}

/** S3: what buckets are, and what somebody has put into them. */
export function createS3(state: WorldState): AwsService {
  /** An operation on one bucket; `action` is what policies call it. */
  const ofBucket = (action: string | undefined, run: (found: Found) => XmlOutput): Operation => ({
    ...(action === undefined ? {} : { action }),
    resources: (input) => [`arn:aws:s3:::${String(input['bucket'])}`],
    run: (input, call) => run(find(String(input['bucket']), call, state)),
  })
  return {
    name: 's3',
    dialect: restXmlDialect([
      { method: 'GET', bucket: false, operation: 'ListBuckets' },
      { method: 'HEAD', bucket: true, operation: 'HeadBucket' },
      { method: 'GET', of: 'list-type', bucket: true, operation: 'ListObjectsV2' },
      { method: 'GET', bucket: true, object: true, operation: 'GetObject' },
      { method: 'PUT', bucket: true, object: true, operation: 'PutObject' },
      ...Object.entries(SUBRESOURCES).map(
        ([of, operation]) => ({ method: 'GET', of, bucket: true, operation }) as const,
      ),
    ]),
    operations: {
      ...objectOperations((name, call) => find(name, call, state)),
      ListBuckets: { action: 'ListAllMyBuckets', resources: () => [], run: listBuckets },
      HeadBucket: ofBucket('ListBucket', ({ world, bucket }) => ({
        headers: {
          'x-amz-bucket-arn': `arn:aws:s3:::${bucket.name}`,
          'x-amz-bucket-region': world.region,
          'x-amz-access-point-alias': 'false',
        },
      })),
      GetBucketLocation: ofBucket(undefined, ({ world }) => ({
        root: 'LocationConstraint',
        // The first region of all has no name here.
        content: world.region === 'us-east-1' ? '' : world.region,
      })),
      GetBucketVersioning: ofBucket(undefined, ({ bucket }) => ({
        root: 'VersioningConfiguration',
        content: bucket.versioned ? { Status: 'Enabled' } : {},
      })),
      GetBucketAcl: ofBucket(undefined, accessList),
      GetBucketLifecycleConfiguration: ofBucket('GetLifecycleConfiguration', lifecycle),
      GetPublicAccessBlock: ofBucket('GetBucketPublicAccessBlock', publicAccessBlock),
      GetBucketPolicyStatus: ofBucket(undefined, ({ isPublic }) => {
        if (!isPublic) throw new AwsError('NoSuchBucketPolicy', 'The bucket policy does not exist', 404)
        return { root: 'PolicyStatus', content: { IsPublic: true } }
      }),
      GetBucketTagging: ofBucket(undefined, ({ world, bucket }) => ({
        root: 'Tagging',
        content: {
          TagSet: many(
            'Tag',
            Object.entries(tagsOf(world, bucket.name)).map(([Key, Value]) => ({ Key, Value })),
          ),
        },
      })),
      GetBucketEncryption: ofBucket('GetEncryptionConfiguration', () => ({
        root: 'ServerSideEncryptionConfiguration',
        content: many('Rule', [
          { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false },
        ]),
      })),
    },
  }
}

const SUBRESOURCES = {
  acl: 'GetBucketAcl',
  location: 'GetBucketLocation',
  versioning: 'GetBucketVersioning',
  lifecycle: 'GetBucketLifecycleConfiguration',
  publicAccessBlock: 'GetPublicAccessBlock',
  policyStatus: 'GetBucketPolicyStatus',
  tagging: 'GetBucketTagging',
  encryption: 'GetBucketEncryption',
} as const

function listBuckets(input: Input, call: Call): XmlOutput {
  const { prefix, 'bucket-region': region, 'max-buckets': most, 'continuation-token': token } = input
  const size = most === undefined ? undefined : Number(most)
  if (size !== undefined && (!Number.isInteger(size) || size < 1 || size > 10_000))
    throw new AwsError('InvalidArgument', 'Argument max-buckets must be an integer between 1 and 10000')
  const refuse = (): never => {
    throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect')
  }
  const all = WORLDS.filter(({ account }) => account === call.caller.account)
    .flatMap((world) => world.buckets.map((bucket) => ({ world, bucket })))
    .filter(({ bucket }) => prefix === undefined || bucket.name.startsWith(String(prefix)))
    .filter(({ world }) => region === undefined || world.region === region)
    .sort((a, b) => (a.bucket.name < b.bucket.name ? -1 : 1))
  const { items, next } = page(
    all,
    size,
    token === undefined ? undefined : String(token),
    refuse,
    call.paging,
  )
  // Only a request that asks for something in particular is told where each bucket is.
  const asked = [prefix, region, most, token].some((parameter) => parameter !== undefined)
  return {
    root: 'ListAllMyBucketsResult',
    content: {
      Buckets: many(
        'Bucket',
        items.map(({ world, bucket }) => ({
          Name: bucket.name,
          CreationDate: '2026-03-02T09:12:26.000Z',
          BucketRegion: asked ? world.region : undefined,
        })),
      ),
      Owner: { ID: digits(call.caller.account, 64) },
      ContinuationToken: next,
      Prefix: prefix === undefined ? undefined : String(prefix),
    },
  }
}

function lifecycle({ bucket }: Found): XmlOutput {
  if (bucket.expiresAfter === undefined)
    throw new AwsError('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist', 404)
  return {
    root: 'LifecycleConfiguration',
    content: many('Rule', [
      {
        ID: 'expire-noncurrent',
        Filter: { Prefix: '' },
        Status: 'Enabled',
        NoncurrentVersionExpiration: { NoncurrentDays: bucket.expiresAfter },
      },
    ]),
  }
}

/** The owner alone: buckets are opened by policies. */
function accessList({ world }: Found): XmlOutput {
  const owner = { ID: digits(world.account, 64) }
  const grantee = {
    '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
    '@xsi:type': 'CanonicalUser',
    ...owner,
  }
  return {
    root: 'AccessControlPolicy',
    content: {
      Owner: owner,
      AccessControlList: many('Grant', [{ Grantee: grantee, Permission: 'FULL_CONTROL' }]),
    },
  }
}

function publicAccessBlock({ isPublic }: Found): XmlOutput {
  if (isPublic)
    throw new AwsError(
      'NoSuchPublicAccessBlockConfiguration',
      'The public access block configuration was not found',
      404,
    )
  return {
    root: 'PublicAccessBlockConfiguration',
    content: {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    },
  }
}

/** @throws AwsError for a bucket that is not there, is another account's, or is asked for in the wrong region. */
function find(name: string, { caller, region }: Call, state: WorldState): Found {
  const world = WORLDS.find(({ buckets }) => buckets.some((bucket) => bucket.name === name))
  const bucket = world?.buckets.find((candidate) => candidate.name === name)
  if (world === undefined || bucket === undefined)
    throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404)
  if (world.account !== caller.account) throw new AwsError('AccessDenied', 'Access Denied', 403)
  if (world.region !== region)
    throw new AwsError(
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${region}' is wrong; expecting '${world.region}'`,
    )
  const opened = name.endsWith('-app') && state.isExposed(world, 'bucket')
  return { world, bucket, isPublic: bucket.public || opened }
}
