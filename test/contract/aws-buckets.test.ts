/** S3, as far as it tells of buckets: listed, described, refused, by path and by host name. */

import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { describe, it } from 'node:test'
import {
  GetBucketAclCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  paginateListBuckets,
  S3Client,
} from '@aws-sdk/client-s3'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { errorOf } from '../support/sdk-clients.ts'

const { fixture, clients } = await stageCloud()

const s3 = async (world: World) => clients.of(S3Client, await clients.into(world))
const LOOPBACK = { address: '127.0.0.1', family: 4 } as const
const bucket = (world: World, part: string) => ({ Bucket: `${world.workspace}-${part}` })

describe('S3', { timeout: 30_000 }, () => {
  it('lists the buckets of an account, and where they are to who asks for some', async () => {
    const client = await s3(GLOBEX)
    const all = await client.send(new ListBucketsCommand({}))
    assert.deepEqual(
      all.Buckets?.map(({ Name, BucketRegion }) => [Name?.slice(GLOBEX.workspace.length + 1), BucketRegion]),
      ['app', 'auditlogs', 'cdn', 'logs', 'managed-sync'].map((part) => [part, undefined]),
    )
    assert.ok(all.Buckets?.[0]?.CreationDate instanceof Date)
    const some = await client.send(new ListBucketsCommand({ Prefix: `${GLOBEX.workspace}-a` }))
    assert.deepEqual(
      some.Buckets?.map(({ BucketRegion }) => BucketRegion),
      ['us-east-1', 'us-east-1'],
    )
    const elsewhere = await client.send(new ListBucketsCommand({ BucketRegion: 'eu-central-1' }))
    assert.deepEqual(elsewhere.Buckets ?? [], [])
  })

  it('lists page by page', async () => {
    const sizes: number[] = []
    for await (const page of paginateListBuckets({ client: await s3(GLOBEX), pageSize: 2 }, {}))
      sizes.push(page.Buckets?.length ?? 0)
    assert.deepEqual(sizes, [2, 2, 1])
    const error = await errorOf((await s3(GLOBEX)).send(new ListBucketsCommand({ MaxBuckets: 0 })))
    assert.equal(error.name, 'InvalidArgument')
  })

  it('tells what is versioned, and when old versions go', async () => {
    const client = await s3(ACME)
    const rows: unknown[] = []
    for (const part of ['app', 'cdn', 'logs', 'auditlogs']) {
      const { Status } = await client.send(new GetBucketVersioningCommand(bucket(ACME, part)))
      const days = await client.send(new GetBucketLifecycleConfigurationCommand(bucket(ACME, part))).then(
        ({ Rules }) => Rules?.map((rule) => rule.NoncurrentVersionExpiration?.NoncurrentDays),
        ({ name }) => name,
      )
      rows.push([part, Status, days])
    }
    assert.deepEqual(rows, [
      ['app', 'Enabled', [90]],
      ['cdn', 'Enabled', 'NoSuchLifecycleConfiguration'],
      ['logs', undefined, 'NoSuchLifecycleConfiguration'],
      ['auditlogs', 'Enabled', [365]],
    ])
  })

  it('tells what is public, and what is blocked from being it', async () => {
    const client = await s3(ACME)
    const { PolicyStatus } = await client.send(new GetBucketPolicyStatusCommand(bucket(ACME, 'cdn')))
    assert.equal(PolicyStatus?.IsPublic, true)
    const open = await errorOf(client.send(new GetPublicAccessBlockCommand(bucket(ACME, 'cdn'))))
    assert.deepEqual(
      [open.name, open.$metadata.httpStatusCode],
      ['NoSuchPublicAccessBlockConfiguration', 404],
    )
    const { PublicAccessBlockConfiguration: block } = await client.send(
      new GetPublicAccessBlockCommand(bucket(ACME, 'app')),
    )
    assert.deepEqual(new Set(Object.values(block ?? {})), new Set([true]))
    const status = () => client.send(new GetBucketPolicyStatusCommand(bucket(ACME, 'app')))
    assert.equal((await errorOf(status())).name, 'NoSuchBucketPolicy')
    const { Grants } = await client.send(new GetBucketAclCommand(bucket(ACME, 'cdn')))
    assert.deepEqual(
      Grants?.map(({ Grantee, Permission }) => [Grantee?.Type, Permission]),
      [['CanonicalUser', 'FULL_CONTROL']],
    )
    fixture.cloud.state.turn({ exposed: ['bucket'] })
    assert.equal((await status()).PolicyStatus?.IsPublic, true)
  })

  it('tells tags, encryption and place', async () => {
    const client = await s3(GLOBEX)
    const app = bucket(GLOBEX, 'app')
    const { TagSet } = await client.send(new GetBucketTaggingCommand(app))
    assert.ok(TagSet?.some(({ Key, Value }) => Key === 'Organization' && Value === 'globex'))
    const { ServerSideEncryptionConfiguration } = await client.send(new GetBucketEncryptionCommand(app))
    const [rule] = ServerSideEncryptionConfiguration?.Rules ?? []
    assert.equal(rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, 'AES256')
    assert.equal((await client.send(new HeadBucketCommand(app))).BucketRegion, 'us-east-1')
    // The first region has no name here.
    assert.equal((await client.send(new GetBucketLocationCommand(app))).LocationConstraint, undefined)
    const european = await (await s3(ACME)).send(new GetBucketLocationCommand(bucket(ACME, 'app')))
    assert.equal(european.LocationConstraint, 'eu-central-1')
  })

  it('refuses a bucket that is not there, is another account’s, or is asked for in the wrong region', async () => {
    const acme = await s3(ACME)
    const missing = await errorOf(acme.send(new GetBucketVersioningCommand(bucket(ACME, 'none'))))
    assert.deepEqual([missing.name, missing.$metadata.httpStatusCode], ['NoSuchBucket', 404])
    assert.equal((await errorOf(acme.send(new HeadBucketCommand(bucket(ACME, 'none'))))).name, 'NotFound')
    const foreign = await errorOf(acme.send(new GetBucketVersioningCommand(bucket(GLOBEX, 'app'))))
    assert.deepEqual([foreign.name, foreign.$metadata.httpStatusCode], ['AccessDenied', 403])
    const astray = await errorOf(
      clients
        .of(S3Client, { region: GLOBEX.region })
        .send(new GetBucketVersioningCommand(bucket(ACME, 'app'))),
    )
    assert.equal(astray.name, 'AuthorizationHeaderMalformed')
    assert.match(astray.message, /the region 'us-east-1' is wrong; expecting 'eu-central-1'/)
  })

  it('refuses by what policies call each action, and records it so that tests can say what was called', async () => {
    const client = await s3(ACME)
    fixture.cloud.state.turn({ deny: ['s3:ListAllMyBuckets', 's3:GetLifecycleConfiguration'] })
    const from = fixture.cloud.calls.last
    assert.equal((await errorOf(client.send(new ListBucketsCommand({})))).name, 'AccessDenied')
    const lifecycle = client.send(new GetBucketLifecycleConfigurationCommand(bucket(ACME, 'app')))
    assert.match(
      (await errorOf(lifecycle)).message,
      /not authorized to perform: s3:GetLifecycleConfiguration/,
    )
    await client.send(new GetBucketVersioningCommand(bucket(ACME, 'app')))
    assert.deepEqual(
      fixture.cloud.calls.since(from).map(({ action, resource, outcome }) => [action, resource, outcome]),
      [
        ['ListBuckets', '*', 'AccessDenied'],
        ['GetBucketLifecycleConfiguration', `arn:aws:s3:::${ACME.workspace}-app`, 'AccessDenied'],
        ['GetBucketVersioning', `arn:aws:s3:::${ACME.workspace}-app`, 'ok'],
      ],
    )
    fixture.cloud.state.turn({ deny: [], throttle: { '*': 1 } })
    assert.equal((await errorOf(client.send(new ListBucketsCommand({})))).name, 'SlowDown')
  })

  it('takes the bucket before the host’s name too', async () => {
    // What the system makes of names below localhost differs from one to the next.
    const httpAgent = new Agent({ lookup: (_name, _options, found) => found(null, [LOOPBACK]) })
    const client = new S3Client({
      endpoint: `http://localhost:${fixture.cloud.port}`,
      region: ACME.region,
      credentials: fixture.operator,
      requestHandler: { httpAgent },
    })
    const { Status } = await client.send(new GetBucketVersioningCommand(bucket(ACME, 'app')))
    assert.equal(Status, 'Enabled')
    client.destroy()
    httpAgent.destroy()
  })
})
