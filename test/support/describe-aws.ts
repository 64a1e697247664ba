import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import type { Refused } from '#core/audit/sink.ts'
import { type AwsConnection, connectAws } from '#core/aws/clients.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import { describeMachines } from '#core/aws/ec2.ts'
import { describeCluster } from '#core/aws/eks.ts'
import { findRedis } from '#core/aws/elasticache.ts'
import { createIdentityApi } from '#core/aws/identity.ts'
import { createLogStream } from '#core/aws/log-groups.ts'
import { describePostgres } from '#core/aws/rds.ts'
import { findBuckets } from '#core/aws/s3.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { isPgctlError } from '#core/errors.ts'
import { resourceNames } from '#core/installation/discovery.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { PARAGON } from './product-profile.ts'

/** An account that holds the sandbox's first installation. */
export interface AwsBench extends AsyncDisposable {
  readonly url: string
  readonly account: string
  readonly key: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** A key for data keys. */
  readonly kmsKey: string
}

/** In what an implementation is known to differ from the cloud; the difference is asserted, so that its end is noticed. */
export interface AwsDeviations {
  /** Actions that it does not answer, of those that reading a whole installation takes. */
  readonly unreadable?: readonly string[]
  /** Its clusters never have a certificate, and so cannot be used. */
  readonly clusterWithoutCertificate?: true
  /** What it says of a batch in which one event is too old and one too far ahead. */
  readonly refusedEvents?: Refused
}

export const NAMES = resourceNames(PARAGON, WORLD.workspace)
const limits = { timeout: 60_000 }

/** The contract of `core/aws/` with the services, call by call, for every implementation of those. */
export function describeAws(make: () => Promise<AwsBench>, deviations: AwsDeviations = {}): void {
  let bench: AwsBench
  let agents: OutboundAgents
  let connection: AwsConnection
  let logs: CloudWatchLogsClient
  before(async () => {
    bench = await make()
    for (const name of Object.keys(process.env))
      if (/^AWS_|_PROXY$|_proxy$/.test(name)) delete process.env[name]
    process.env['AWS_ACCESS_KEY_ID'] = bench.key.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = bench.key.secretAccessKey
    process.env['AWS_ENDPOINT_URL'] = bench.url
    agents = createOutboundAgents({})
    logs = new CloudWatchLogsClient({ region: WORLD.region, endpoint: bench.url, credentials: bench.key })
    connection = connectAws({
      region: WORLD.region,
      environment: process.env,
      agents,
      clock: systemClock,
      version: '0.1.0',
    })
  })
  after(async () => {
    agents?.close()
    logs?.destroy()
    await bench?.[Symbol.asyncDispose]()
  })

  const logged = async (group: string): Promise<[string | undefined, string | undefined][]> => {
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: group }))
    return events.map(({ logStreamName, message }) => [logStreamName, message])
  }

  describe('call by call', limits, () => {
    it('sts: who calls', limits, async () => {
      assert.equal((await createIdentityApi(connection).caller()).account, bench.account)
    })

    it('ec2: a machine by its name, and none of another', limits, async () => {
      const [machine, ...others] = await describeMachines(connection, { name: NAMES.bastion })
      assert.deepEqual(others, [])
      assert.match(machine?.id ?? '', /^i-[0-9a-f]{17}$/)
      assert.deepEqual(await describeMachines(connection, { name: 'no-such-machine' }), [])
    })

    it('eks: a cluster by its name, and none of another', limits, async () => {
      const cluster = describeCluster(connection, NAMES.cluster)
      if (deviations.clusterWithoutCertificate)
        await assert.rejects(cluster, (error) => isPgctlError(error, 'cluster-unreachable'))
      else assert.equal((await cluster)?.name, NAMES.cluster)
      assert.equal(await describeCluster(connection, 'no-such-cluster'), undefined)
    })

    it('rds: databases by pattern', limits, async () => {
      const found = await describePostgres(connection, NAMES.datastores.postgres)
      assert.deepEqual(
        found.map(({ id, status, sizeClass }) => [id, status, sizeClass]),
        ACME.databases.map(({ id, class: sizeClass }) => [id, 'available', sizeClass]),
      )
      assert.deepEqual(await describePostgres(connection, ['no-such-*']), [])
    })

    it('elasticache: caches by pattern', limits, async () => {
      const found = (await findRedis(connection, NAMES.datastores.redis)).value ?? []
      assert.deepEqual(
        found.map(({ id, status, sizeClass }) => [id, status, sizeClass]),
        ACME.caches.map(({ id, type }) => [id, 'available', type]),
      )
    })

    it('s3: buckets by name, with what they keep', limits, async () => {
      const found = (await findBuckets(connection, NAMES.buckets)).value ?? []
      assert.deepEqual(
        found.map(({ id, versioning }) => [id, versioning]).toSorted(),
        ACME.buckets.map(({ name, versioned }) => [name, versioned ? 'on' : 'off']).toSorted(),
      )
    })

    it('kms: a data key that is bound to its context', limits, async () => {
      const key = await createSessionApi(connection).dataKey(bench.kmsKey, { 'aws:ssm:SessionId': 'x-1' })
      assert.equal(key.plaintext.length, 64)
      assert.ok(key.ciphertext.length > 64)
    })

    it('logs: a stream that is made when something is written to it', limits, async () => {
      const [group, now] = ['/pgctl/contract/audit', Date.now()]
      const { signal } = new AbortController()
      const stream = createLogStream(connection, group, 'i-1')
      await assert.rejects(stream.put([{ at: now, message: 'x' }], signal), (error) =>
        isPgctlError(error, 'target-unknown'),
      )
      await logs.send(new CreateLogGroupCommand({ logGroupName: group }))
      const none = { tooOld: 0, tooNew: 0 }
      const lines = ['one\nof two\u001dlines', 'ü']
      for (const message of lines) assert.deepEqual(await stream.put([{ at: now, message }], signal), none)
      // Somebody else has made it meanwhile, which is all the same.
      const other = createLogStream(connection, group, 'i-2')
      await logs.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: 'i-2' }))
      await other.put([{ at: now, message: 'other' }], signal)
      assert.deepEqual(
        (await logged(group)).toSorted(),
        [...lines.map((message) => ['i-1', message]), ['i-2', 'other']].toSorted(),
      )
      const day = 24 * 3_600_000
      const times = [now - 15 * day, now, now + day].map((at) => ({ at, message: String(at) }))
      assert.deepEqual(await stream.put(times, signal), deviations.refusedEvents ?? { tooOld: 1, tooNew: 1 })
    })
  })

  it('reads a whole installation', limits, async () => {
    const inventory = await createDiscovery(connection).inventory({
      workspace: WORLD.workspace,
      names: NAMES,
      parts: ['bastion', 'cluster', 'network', 'postgres', 'redis', 'buckets'],
      depth: 'full',
    })
    assert.deepEqual(
      [...new Set(inventory.unreadable.map(({ action }) => action))].toSorted(),
      deviations.unreadable ?? [],
    )
    assert.deepEqual(
      inventory.bastions.map(({ name, state }) => [name, state]),
      [[NAMES.bastion, 'running']],
    )
    assert.equal(inventory.cluster?.name, deviations.clusterWithoutCertificate ? undefined : NAMES.cluster)
    assert.deepEqual(inventory.network?.ranges, [ACME.network.cidr])
    assert.equal(inventory.network?.subnets.length, ACME.network.subnets.length)
    assert.deepEqual(
      inventory.datastores.map(({ engine, id }) => [engine, id]),
      [
        ['postgres', ACME.databases[0].id],
        ['redis', ACME.caches[0].id],
      ],
    )
    assert.equal(inventory.buckets.length, ACME.buckets.length)
  })
}
