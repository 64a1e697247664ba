import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import type { DiscoveryQuery } from '#core/installation/discovery.ts'
import { type AwsAnswer, jsonError } from '../support/scripted-aws.ts'
import {
  discover as discoverScripted,
  ec2Error,
  queryAnswer,
  type Script,
  signInForTests,
} from '../support/scripted-discovery.ts'

/**
 * What discovery makes of answers that the sandbox does not give: pages, lagging tags, parts that fail. The wire
 * forms are the services' own.
 */

const OLD = 'i-0000000000000001a'
const NEW = 'i-0000000000000002b'

describe('discovery on AWS', { timeout: 20_000 }, () => {
  before(signInForTests)

  /** With an Auto Scaling that has no groups, unless the script has some. */
  const discover = (script: Script, query: Partial<DiscoveryQuery> = {}) =>
    discoverScripted(
      {
        DescribeAutoScalingGroups: () => queryAnswer('DescribeAutoScalingGroups', '<AutoScalingGroups/>'),
        ...script,
      },
      query,
    )

  const cluster = { 'GET /clusters/paragon-acme': () => describedCluster('ACTIVE') }

  it('reads every page, an empty one included', async () => {
    const { inventory } = await discover({
      ...cluster,
      DescribeInstances: (_, count) =>
        count === 1 ? instances([], 'more') : count === 2 ? instances([OLD], 'last') : instances([NEW]),
      DescribeInstanceInformation: (_, count) => (count === 1 ? nodes([], 'more') : nodes([OLD, NEW])),
    })
    assert.deepEqual(
      inventory.bastions.map(({ id, agent }) => [id, agent.kind]),
      [
        [NEW, 'registered'],
        [OLD, 'registered'],
      ],
    )
    assert.deepEqual(inventory.unreadable, [])
  })

  it('reads name, addresses, start, role and agent of a bastion', async () => {
    const { inventory } = await discover({
      ...cluster,
      DescribeInstances: () => instances([OLD]),
      DescribeInstanceInformation: () => nodes([OLD]),
    })
    assert.deepEqual(inventory.bastions, [
      {
        id: OLD,
        name: 'paragon-acme-bastion',
        state: 'running',
        launchedAt: Date.parse('2026-11-20T08:00:00Z') + 0xa,
        privateAddress: '10.0.16.20',
        publicAddress: '203.0.113.9',
        role: 'paragon-acme-bastion',
        zone: 'eu-central-1a',
        subnetId: 'subnet-1',
        securityGroups: [],
        group: 'paragon-acme-bastion-20260101',
        agent: {
          kind: 'registered',
          ping: 'online',
          lastPing: 1_795_428_000_000,
          version: '3.3.5102.0',
        },
      },
    ])
    assert.deepEqual(inventory.cluster, {
      name: 'paragon-acme',
      host: 'a1b2.gr7.eu-central-1.eks.amazonaws.com',
      port: 443,
      ca: 'PEM',
      version: '1.35',
      status: 'active',
      vpcId: undefined,
      securityGroup: undefined,
      publicAccess: undefined,
    })
  })

  it('asks for an agent by id before it calls a running machine unregistered', async () => {
    const { inventory, requests } = await discover({
      ...cluster,
      DescribeInstances: () => instances([OLD, NEW]),
      DescribeInstanceInformation: (body) => (body.includes('InstanceIds') ? nodes([NEW]) : nodes([])),
    })
    assert.deepEqual(
      inventory.bastions.map(({ id, agent }) => [id, agent.kind]),
      [
        [NEW, 'registered'],
        [OLD, 'unregistered'],
      ],
    )
    const byId = requests.filter(({ body }) => body.includes('InstanceIds'))
    assert.equal(byId.length, 1)
  })

  it('leaves out terminated machines, and nodes whose machine is gone', async () => {
    const { inventory } = await discover({
      ...cluster,
      DescribeInstances: () => instances([OLD], undefined, 'terminated'),
      DescribeInstanceInformation: () => nodes([OLD]),
    })
    assert.deepEqual(inventory.bastions, [])
  })

  it('does not describe the machine where one agent is online and the way is all that is wanted', async () => {
    const { inventory, counts } = await discover(
      { DescribeInstanceInformation: () => nodes([OLD]) },
      { depth: 'way', parts: ['bastion'] },
    )
    assert.deepEqual(
      inventory.bastions.map(({ id, state, agent }) => [id, state, agent.kind]),
      [[OLD, 'running', 'registered']],
    )
    assert.deepEqual([...counts.keys()], ['DescribeInstanceInformation'])
  })

  for (const [reason, answer] of [
    ['none is', () => nodes([])],
    ['two are', () => nodes([OLD, NEW])],
    ['the one is offline', () => nodes([OLD], undefined, 'ConnectionLost')],
  ] as const) {
    it(`describes machines on the way where not one agent is online: ${reason}`, async () => {
      const { counts } = await discover(
        { DescribeInstances: () => instances([OLD, NEW]), DescribeInstanceInformation: answer },
        { depth: 'way', parts: ['bastion'] },
      )
      assert.ok(counts.has('DescribeInstances'))
    })
  }

  it('looks for the instance that is named, and takes one outside the cloud', async () => {
    const hybrid = 'mi-0123456789abcdef0'
    const { inventory, counts, requests } = await discover(
      { ...cluster, DescribeInstanceInformation: () => nodes([hybrid]) },
      { bastionId: hybrid },
    )
    assert.deepEqual(
      inventory.bastions.map(({ id }) => id),
      [hybrid],
    )
    assert.equal(counts.has('DescribeInstances'), false)
    assert.ok(requests.some(({ body }) => body.includes(hybrid)))
  })

  it('finds nothing, and does not fail, for a named instance that is not there', async () => {
    const { inventory } = await discover(
      {
        ...cluster,
        DescribeInstances: () =>
          ec2Error('InvalidInstanceID.NotFound', `The instance ID '${OLD}' does not exist`),
        DescribeInstanceInformation: () => jsonError('InvalidInstanceId', ''),
      },
      { bastionId: OLD },
    )
    assert.deepEqual([inventory.bastions, inventory.unreadable], [[], []])
  })

  it('lists a part that is refused, with its action, beside what could be read', async () => {
    const { inventory } = await discover({
      'GET /clusters/paragon-acme': () => jsonError('AccessDeniedException', 'no', 403),
      DescribeInstances: () =>
        ec2Error('UnauthorizedOperation', 'You are not authorized to perform this operation.', 403),
      DescribeInstanceInformation: () => nodes([OLD]),
    })
    assert.deepEqual(
      inventory.unreadable.map(({ part, action, error }) => [part, action, error.code]),
      [
        ['instances', 'ec2:DescribeInstances', 'permission-denied'],
        ['cluster', 'eks:DescribeCluster', 'permission-denied'],
      ],
    )
    assert.deepEqual(
      inventory.bastions.map(({ id, state }) => [id, state]),
      [[OLD, 'running']],
    )
  })

  it('knows no agent where agents may not be asked about', async () => {
    const { inventory } = await discover({
      ...cluster,
      DescribeInstances: () => instances([OLD]),
      DescribeInstanceInformation: () => jsonError('AccessDeniedException', 'no'),
    })
    assert.deepEqual(
      inventory.bastions.map(({ agent }) => agent.kind),
      ['unread'],
    )
  })

  const clusters: [string, AwsAnswer, string | undefined][] = [
    [
      'is not there',
      jsonError('ResourceNotFoundException', 'No cluster found for name: paragon-acme.', 404),
      undefined,
    ],
    ['has no endpoint yet', describedCluster('CREATING'), 'cluster-unreachable'],
  ]
  for (const [reason, answer, code] of clusters) {
    it(`has no cluster where it ${reason}`, async () => {
      const { inventory } = await discover(
        { 'GET /clusters/paragon-acme': () => answer },
        { parts: ['cluster'] },
      )
      assert.equal(inventory.cluster, undefined)
      assert.deepEqual(
        inventory.unreadable.map(({ error }) => error.code),
        code === undefined ? [] : [code],
      )
    })
  }

  it('fails as a whole where the credentials are of no use', async () => {
    const expired = () =>
      jsonError('ExpiredTokenException', 'The security token included in the request is expired')
    await assert.rejects(
      discover({ ...cluster, DescribeInstances: () => instances([]), DescribeInstanceInformation: expired }),
      (error) => isPgctlError(error, 'credentials-expired'),
    )
  })
})

function instances(ids: string[], next?: string, state = 'running'): AwsAnswer {
  const items = ids.map(
    (id) => `<item><reservationId>r-1</reservationId><instancesSet><item>
      <instanceId>${id}</instanceId><instanceState><code>16</code><name>${state}</name></instanceState>
      <launchTime>${new Date(Date.parse('2026-11-20T08:00:00Z') + Number.parseInt(id.slice(-1), 16)).toISOString()}</launchTime>
      <placement><availabilityZone>eu-central-1a</availabilityZone></placement><subnetId>subnet-1</subnetId>
      <privateIpAddress>10.0.16.20</privateIpAddress><ipAddress>203.0.113.9</ipAddress>
      <iamInstanceProfile><arn>arn:aws:iam::111122223333:instance-profile/paragon-acme-bastion</arn><id>AIPAEXAMPLE</id></iamInstanceProfile>
      <tagSet><item><key>aws:autoscaling:groupName</key><value>paragon-acme-bastion-20260101</value></item><item><key>Creator</key><value>terraform</value></item><item><key>Name</key><value>paragon-acme-bastion</value></item></tagSet>
    </item></instancesSet></item>`,
  )
  const token = next === undefined ? '' : `<nextToken>${next}</nextToken>`
  return {
    type: 'text/xml',
    body: `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>request-1</requestId><reservationSet>${items.join('')}</reservationSet>${token}</DescribeInstancesResponse>`,
  }
}

function nodes(ids: string[], next?: string, ping = 'Online'): AwsAnswer {
  const list = ids.map((InstanceId) => ({
    InstanceId,
    PingStatus: ping,
    LastPingDateTime: 1_795_428_000,
    AgentVersion: '3.3.5102.0',
    IPAddress: '10.0.16.20',
  }))
  return {
    body: JSON.stringify({
      InstanceInformationList: list,
      ...(next === undefined ? {} : { NextToken: next }),
    }),
  }
}

function describedCluster(status: string): AwsAnswer {
  const known = { name: 'paragon-acme', version: '1.35', status }
  const reachable = {
    endpoint: 'https://A1B2.gr7.eu-central-1.eks.amazonaws.com',
    certificateAuthority: { data: Buffer.from('PEM').toString('base64') },
  }
  return {
    type: 'application/json',
    body: JSON.stringify({ cluster: status === 'ACTIVE' ? { ...known, ...reachable } : known }),
  }
}
