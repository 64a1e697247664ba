import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type AwsConnection, connectAws } from '#core/aws/clients.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import { isPgctlError } from '#core/errors.ts'
import { DISCOVERY_PARTS, discoveryQuery } from '#core/installation/discovery.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { WORLD } from '#sandbox/world.ts'
import { PARAGON } from '../support/product-profile.ts'
import { signInForTests } from '../support/scripted-discovery.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

/** What of the sandbox's installation is lost with each action, as fields of an inventory. */
const LOSES: Readonly<Record<string, readonly string[]>> = {
  // The groups of a machine are learnt from the machine.
  'ec2:DescribeInstances': ['bastions', 'securityGroups'],
  'ssm:DescribeInstanceInformation': ['bastions'],
  'eks:DescribeCluster': ['cluster'],
  'ec2:DescribeVpcs': ['network'],
  'ec2:DescribeSubnets': ['network'],
  'ec2:DescribeRouteTables': ['network'],
  'ec2:DescribeNatGateways': ['network'],
  'ec2:DescribeInternetGateways': ['network'],
  'ec2:DescribeVpcEndpoints': ['network'],
  'ec2:DescribeAddresses': ['network'],
  'ec2:DescribeSecurityGroups': ['securityGroups'],
  'autoscaling:DescribeAutoScalingGroups': ['bastionGroups'],
  'elasticloadbalancing:DescribeLoadBalancers': ['loadBalancers'],
  'rds:DescribeDBInstances': ['datastores'],
  'elasticache:DescribeCacheClusters': ['datastores'],
  's3:ListAllMyBuckets': ['buckets'],
  's3:GetBucketVersioning': ['buckets'],
  's3:GetLifecycleConfiguration': ['buckets'],
  'cloudtrail:DescribeTrails': ['trail'],
  'cloudtrail:GetTrailStatus': ['trail'],
}
const IN_VPC = ['Subnets', 'RouteTables', 'NatGateways', 'InternetGateways', 'VpcEndpoints']

/** Actions that are not asked once all of these are refused: there is nothing to ask about. */
const AFTER: Readonly<Record<string, readonly string[]>> = {
  's3:GetBucketVersioning': ['s3:ListAllMyBuckets'],
  's3:GetLifecycleConfiguration': ['s3:ListAllMyBuckets'],
  'cloudtrail:GetTrailStatus': ['cloudtrail:DescribeTrails'],
  'ec2:DescribeSecurityGroups': ['ec2:DescribeInstances'],
  // The cluster tells its network as well.
  ...Object.fromEntries(
    IN_VPC.map((what) => [`ec2:Describe${what}`, ['ec2:DescribeVpcs', 'eks:DescribeCluster']]),
  ),
}

function isAsked(action: string, deny: readonly string[]): boolean {
  return !(AFTER[action]?.every((before) => deny.includes(before)) ?? false)
}

/** Agents go on pinging. */
function withoutPings({ bastions, ...others }: Inventory): Inventory {
  return {
    ...others,
    bastions: bastions.map((bastion) => ({
      ...bastion,
      agent: { ...bastion.agent, lastPing: undefined } as never,
    })),
  }
}

describe('an installation of which some may not be read', { timeout: 120_000 }, () => {
  let fixture: TestCloud
  let agents: OutboundAgents
  let connection: AwsConnection
  let whole: Inventory

  before(async () => {
    signInForTests()
    fixture = await startTestCloud()
    agents = createOutboundAgents({})
    process.env['AWS_ENDPOINT_URL'] = fixture.url
    process.env['AWS_ACCESS_KEY_ID'] = fixture.operator.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = fixture.operator.secretAccessKey
    connection = connectAws({
      region: WORLD.region,
      environment: process.env,
      agents,
      clock: systemClock,
      version: '0',
    })
    whole = await discover()
  })
  after(async () => {
    agents.close()
    delete process.env['AWS_ENDPOINT_URL']
    await fixture[Symbol.asyncDispose]()
  })

  const discover = async () => {
    const installation = { workspace: WORLD.workspace, bastion: undefined }
    const query = discoveryQuery(PARAGON, installation, DISCOVERY_PARTS, 'full')
    return withoutPings(await createDiscovery(connection).inventory(query))
  }

  it('is whole where everything may be', () => assert.deepEqual(whole.unreadable, []))

  it('names exactly what was refused, and has all the rest as it is', async () => {
    const some = fc.subarray(Object.keys(LOSES), { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(some, async (deny) => {
        fixture.cloud.state.turn({ deny })
        try {
          const found = await discover()
          const refused = found.unreadable.map(({ action, error }) => {
            assert.ok(isPgctlError(error, 'permission-denied'), String(error))
            return action
          })
          const asked = deny.filter((action) => isAsked(action, deny))
          assert.deepEqual(refused.toSorted(), asked.toSorted())
          const lost = new Set(deny.flatMap((action) => LOSES[action] ?? []))
          for (const [field, value] of Object.entries(whole))
            if (field !== 'unreadable' && !lost.has(field))
              assert.deepEqual(found[field as keyof Inventory], value, field)
        } finally {
          fixture.cloud.state.turn({ deny: [] })
        }
      }),
      { numRuns: 32, examples: Object.keys(LOSES).map((action) => [[action]]) },
    )
  })
})
