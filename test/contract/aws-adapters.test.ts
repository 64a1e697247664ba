import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type AwsConnection, connectAws } from '#core/aws/clients.ts'
import { createClusterCredentials } from '#core/aws/cluster-token.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import { createIdentityApi } from '#core/aws/identity.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { type ErrorCode, isPgctlError, type PgctlError } from '#core/errors.ts'
import { chooseBastion } from '#core/installation/bastion-choice.ts'
import { type DiscoveryQuery, resourceNames } from '#core/installation/discovery.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type AccessKey, makeAccessKey } from '#sandbox/aws/identity.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { type Cloud, startCloud } from '#sandbox/cloud.ts'
import type { Peer } from '#sandbox/gateway/peer.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { WORLD } from '#sandbox/world.ts'
import { groupIdOf } from '#sandbox/worlds/network.ts'
import { PARAGON } from '../support/product-profile.ts'

/** The adapters against the sandbox's AWS endpoint, which checks every signature and speaks the services' wire forms. */

const MINUTE = 60_000
const TARGET = WORLD.bastion.instanceId
const QUERY: DiscoveryQuery = {
  workspace: WORLD.workspace,
  names: resourceNames(PARAGON, WORLD.workspace),
  parts: ['bastion', 'cluster'],
  depth: 'full',
}

describe('the AWS adapters on the sandbox', { timeout: 60_000 }, () => {
  let cloud: Cloud
  let agents: OutboundAgents
  let operator: AccessKey
  let authority: Awaited<ReturnType<typeof createAuthority>>

  before(async () => {
    for (const name of Object.keys(process.env))
      if (/^AWS_|_PROXY$|_proxy$/.test(name)) delete process.env[name]
    authority = await createAuthority()
    operator = makeAccessKey()
    cloud = await startCloud({
      clock: systemClock,
      chance: () => 0,
      port: 0,
      latency: 0,
      certificate: await authority.issue({ names: ['localhost'] }),
      clusterAuthority: authority.certificate,
      principals: [{ kind: 'operator', key: operator }],
      adminSecret: 'not used here',
    })
    const url = `http://127.0.0.1:${cloud.port}`
    // An agent that is connected and does nothing: what it would do is not asked here.
    cloud.gateway.channels.attach(TARGET, { listen() {}, send: () => true, cut() {} } as unknown as Peer)
    agents = createOutboundAgents({})
    signInAs(operator)
    process.env['AWS_ENDPOINT_URL'] = url
  })
  beforeEach(() => {
    cloud.state.turn(DEFAULT_KNOBS)
    signInAs(operator)
  })
  after(async () => {
    agents?.close()
    await cloud?.[Symbol.asyncDispose]()
  })

  function signInAs({ accessKeyId, secretAccessKey }: AccessKey) {
    process.env['AWS_ACCESS_KEY_ID'] = accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = secretAccessKey
  }

  function connect(): AwsConnection {
    return connectAws({
      region: WORLD.region,
      environment: process.env,
      agents,
      clock: systemClock,
      version: '0.1.0',
    })
  }

  async function failureOf(action: Promise<unknown>): Promise<PgctlError> {
    const error = await action.then(
      () => assert.fail('it did not fail'),
      (thrown: unknown) => thrown,
    )
    assert.ok(isPgctlError(error), String(error))
    return error
  }

  it('say who calls', async () => {
    assert.deepEqual(await createIdentityApi(connect()).caller(), {
      account: WORLD.account,
      arn: `arn:aws:iam::${WORLD.account}:user/operator`,
    })
  })

  it('start a session with its reason, resume it with a new token, end it, and know that it has ended', async () => {
    const api = createSessionApi(connect())
    const grant = await api.start({
      target: TARGET,
      document: 'AWS-StartPortForwardingSessionToRemoteHost',
      parameters: { host: [WORLD.payloadHost], portNumber: [String(WORLD.payloadPort)] },
      reason: `ticket 4711 ${'and a long story '.repeat(40)}`,
    })
    assert.match(grant.streamUrl, new RegExp(`/v1/data-channel/${grant.sessionId}\\?role=publish_subscribe$`))
    const session = cloud.gateway.find(grant.sessionId)
    assert.equal(session?.terms.reason?.length, 256)
    assert.equal(session?.terms.target, TARGET)

    const again = await api.resume(grant.sessionId)
    assert.equal(again?.sessionId, grant.sessionId)
    assert.notEqual(again?.token, grant.token)

    await api.terminate(grant.sessionId)
    await api.terminate(grant.sessionId)
    assert.equal(await api.resume(grant.sessionId), undefined)
  })

  it('take a session that nobody knows for one that has ended', async () => {
    const api = createSessionApi(connect())
    await api.terminate('operator-nobody')
    assert.equal(await api.resume('operator-nobody'), undefined)
  })

  it('get a data key that is bound to its context', async () => {
    const key = await createSessionApi(connect()).dataKey(WORLD.kmsKeyArn, {
      'aws:ssm:SessionId': 'operator-1',
    })
    assert.equal(key.plaintext.length, 64)
    assert.ok(key.ciphertext.length > 64)
  })

  it('read the limits of sessions', async () => {
    const api = createSessionApi(connect())
    assert.deepEqual(await api.limits(), { idle: 20 * MINUTE, maximum: undefined })
    cloud.state.turn({ idle: 5 * MINUTE, maximum: 60 * MINUTE })
    assert.deepEqual(await api.limits(), { idle: 5 * MINUTE, maximum: 60 * MINUTE })
    cloud.state.turn({ deny: ['ssm:GetDocument'] })
    assert.equal(await api.limits(), undefined)
  })

  it('find the bastion and the cluster', async () => {
    const inventory = await createDiscovery(connect()).inventory(QUERY)
    assert.deepEqual(inventory.unreadable, [])
    const { bastion, others } = chooseBastion(inventory, { wanted: QUERY.names.bastion, now: Date.now() })
    assert.deepEqual(others, [])
    assert.equal(bastion.id, TARGET)
    assert.equal(bastion.state, 'running')
    assert.equal(bastion.role, WORLD.bastion.role)
    assert.equal(bastion.privateAddress, WORLD.bastion.address)
    assert.deepEqual(bastion.agent.kind === 'registered' && [bastion.agent.ping, bastion.agent.version], [
      'online',
      WORLD.bastion.agentVersion,
    ])
    assert.equal(inventory.cluster?.host, WORLD.cluster.host)
    assert.equal(inventory.cluster?.ca, authority.certificate)
    assert.equal(inventory.cluster?.securityGroup, groupIdOf(WORLD, 'cluster'))
  })

  it('find what says who reaches datastores', async () => {
    const { datastores } = await createDiscovery(connect()).inventory({
      ...QUERY,
      parts: ['postgres', 'redis', 'kafka'],
    })
    assert.deepEqual(
      datastores.map(({ engine, securityGroups }) => [engine, securityGroups]),
      [
        ['postgres', [groupIdOf(WORLD, 'postgres')]],
        ['redis', [groupIdOf(WORLD, 'redis')]],
      ],
    )
  })

  it('find the way with one call where one agent is online', async () => {
    const from = cloud.calls.last
    await createDiscovery(connect()).inventory({ ...QUERY, parts: ['bastion'], depth: 'way' })
    assert.deepEqual(
      cloud.calls.since(from).map(({ service, action }) => `${service}:${action}`),
      ['ssm:DescribeInstanceInformation'],
    )
  })

  it('sign a token that the cluster takes, and no other cluster', async () => {
    const credentials = createClusterCredentials(connect(), WORLD.cluster.name)
    assert.deepEqual(await credentials.endpoint(), {
      name: WORLD.cluster.name,
      host: WORLD.cluster.host,
      port: 443,
      ca: authority.certificate,
    })
    const verdict = cloud.verifyToken((await credentials.token()).value)
    assert.ok(verdict.ok)
    assert.equal(verdict.identity.arn, `arn:aws:iam::${WORLD.account}:user/operator`)
    const foreign = await createClusterCredentials(connect(), 'another').token()
    assert.equal(cloud.verifyToken(foreign.value).ok, false)
  })

  it('try again when they are throttled, and say so when that does not help', async () => {
    cloud.state.turn({ throttle: { 'sts:GetCallerIdentity': 1 } })
    assert.equal((await createIdentityApi(connect()).caller()).account, WORLD.account)
    cloud.state.turn({ throttle: { 'sts:GetCallerIdentity': 100 } })
    assert.equal((await failureOf(createIdentityApi(connect()).caller())).code, 'throttled')
  })

  const start = () => createSessionApi(connect()).start({ target: TARGET })
  const faults: {
    reason: string
    turn: Parameters<Cloud['state']['turn']>[0]
    action?: () => Promise<unknown>
    code: ErrorCode
    says?: RegExp
  }[] = [
    { reason: 'expired credentials', turn: { credentials: 'expired' }, code: 'credentials-expired' },
    {
      reason: 'expired credentials, at STS',
      turn: { credentials: 'expired' },
      action: () => createIdentityApi(connect()).caller(),
      code: 'credentials-expired',
    },
    {
      reason: 'expired credentials, in any part of discovery',
      turn: { credentials: 'expired' },
      action: () => createDiscovery(connect()).inventory(QUERY),
      code: 'credentials-expired',
    },
    {
      reason: 'a session that is not allowed',
      turn: { deny: ['ssm:StartSession'] },
      code: 'permission-denied',
      says: new RegExp(`not allowed: ssm:StartSession on arn:aws:ec2:.*${TARGET}`),
    },
    {
      reason: 'a key that may not be used',
      turn: { deny: ['kms:GenerateDataKey'] },
      action: () => createSessionApi(connect()).dataKey(WORLD.kmsKeyArn, {}),
      code: 'permission-denied',
      says: /kms:GenerateDataKey on arn:aws:kms/,
    },
    { reason: 'an agent that is offline', turn: { agent: 'offline' }, code: 'agent-offline' },
    {
      reason: 'a session document that does not exist',
      turn: {},
      action: () => createSessionApi(connect()).start({ target: TARGET, document: 'Nonesuch' }),
      code: 'session-refused',
    },
    {
      reason: 'a host that the document does not take',
      turn: {},
      action: () =>
        createSessionApi(connect()).start({
          target: TARGET,
          document: 'AWS-StartPortForwardingSessionToRemoteHost',
          parameters: { host: ['a;b'], portNumber: ['80'] },
        }),
      code: 'session-refused',
    },
    {
      reason: 'a cluster that does not exist',
      turn: { cluster: 'missing' },
      action: () => createClusterCredentials(connect(), WORLD.cluster.name).endpoint(),
      code: 'cluster-missing',
    },
    {
      reason: 'a cluster that is still being made',
      turn: { cluster: 'CREATING' },
      action: () => createClusterCredentials(connect(), WORLD.cluster.name).endpoint(),
      code: 'cluster-unreachable',
      says: /has no endpoint/,
    },
  ]
  for (const { reason, turn, action = start, code, says } of faults) {
    it(`tell ${reason} as ${code}, with the id of the request`, async () => {
      cloud.state.turn(turn)
      const error = await failureOf(action())
      assert.equal(error.code, code)
      assert.ok(error.next)
      if (says !== undefined) assert.match(error.message, says)
      if (!code.startsWith('cluster-')) assert.match(error.requestId ?? '', /^[0-9a-f-]{36}$/)
    })
  }

  it('tell a key that AWS does not know as refused, without repeating it', async () => {
    const stranger = makeAccessKey()
    signInAs(stranger)
    const error = await failureOf(createIdentityApi(connect()).caller())
    assert.equal(error.code, 'credentials-refused')
    assert.doesNotMatch(`${error.message} ${error.why} ${error.next}`, new RegExp(stranger.accessKeyId))
    signInAs({ ...operator, secretAccessKey: stranger.secretAccessKey })
    assert.equal((await failureOf(start())).code, 'credentials-refused')
  })

  const bastions: { reason: string; turn: Parameters<Cloud['state']['turn']>[0]; code: ErrorCode }[] = [
    { reason: 'is stopped', turn: { bastion: 'stopped' }, code: 'bastion-stopped' },
    { reason: 'is starting', turn: { bastion: 'pending' }, code: 'bastion-stopped' },
    { reason: 'is not there', turn: { bastion: 'missing' }, code: 'bastion-missing' },
    { reason: 'is terminated', turn: { bastion: 'terminated' }, code: 'bastion-missing' },
    { reason: 'has an agent that is offline', turn: { agent: 'offline' }, code: 'agent-offline' },
    {
      reason: 'may not be looked for',
      turn: { deny: ['ec2:DescribeInstances', 'ssm:DescribeInstanceInformation'] },
      code: 'permission-denied',
    },
  ]
  for (const depth of ['full', 'way'] as const) {
    for (const { reason, turn, code } of bastions) {
      it(`say ${code} of a bastion that ${reason}, asked for the ${depth}`, async () => {
        cloud.state.turn(turn)
        const inventory = await createDiscovery(connect()).inventory({ ...QUERY, depth })
        assert.throws(
          () => chooseBastion(inventory, { wanted: QUERY.names.bastion, now: Date.now() }),
          (error) => isPgctlError(error, code),
        )
      })
    }
  }

  it('go on with the old bastion while the new one is starting', async () => {
    cloud.state.turn({ replacement: 'starting' })
    const inventory = await createDiscovery(connect()).inventory({
      ...QUERY,
      depth: 'way',
      parts: ['bastion'],
    })
    assert.equal(
      chooseBastion(inventory, { wanted: QUERY.names.bastion, now: Date.now() }).bastion.id,
      TARGET,
    )
  })
})
