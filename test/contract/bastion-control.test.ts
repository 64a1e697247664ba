import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { CreateLaunchTemplateVersionCommand, EC2Client } from '@aws-sdk/client-ec2'
import {
  CreateAccessEntryCommand,
  DeleteAccessEntryCommand,
  EKSClient,
  ListAssociatedAccessPoliciesCommand,
} from '@aws-sdk/client-eks'
import { accessPolicyOf, createElevationApi } from '#core/aws/access-entries.ts'
import { createBastionControl } from '#core/aws/bastion-control.ts'
import { connectAws } from '#core/aws/clients.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { createSessionRecords } from '#core/aws/session-records.ts'
import type { BastionGroup } from '#core/bastion/control.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { eventually } from '../support/eventually.ts'

/** The adapters of a bastion's life against the services' wire forms, and machines that really come and go. */

const { region, account, workspace, cluster } = ACME
const ROLE = `arn:aws:iam::${account}:role/operators`
const ONE = { minimum: 1, maximum: 1, desired: 1 }
const NONE = { minimum: 0, maximum: 1, desired: 0 }

describe('the group of a bastion', { timeout: 60_000 }, () => {
  let sandbox: Sandbox
  let agents: OutboundAgents

  before(async () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
    sandbox = await startSandbox({ pace: 'none', logInterval: 0 })
    agents = createOutboundAgents({})
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: sandbox.plainEndpoint,
      AWS_ACCESS_KEY_ID: sandbox.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: sandbox.operator.secretAccessKey,
    })
  })
  afterEach(() => void sandbox.cloud.state.turn(DEFAULT_KNOBS))
  after(async () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
    agents.close()
    await sandbox[Symbol.asyncDispose]()
  })

  const connection = () =>
    connectAws({ region, environment: process.env, agents, clock: systemClock, version: '0' })
  const control = (name: string = ACME.bastion.name) => createBastionControl(connection(), name)
  const look = async (): Promise<BastionGroup> => {
    const group = await control().look()
    assert.ok(group !== undefined)
    return group
  }
  const online = async () => {
    const [machine] = (await look()).machines
    return machine?.agent.kind === 'registered' && machine.agent.ping === 'online' ? machine : undefined
  }

  const untilOnline = async () => {
    await eventually(async () => (await online()) !== undefined)
    const machine = await online()
    assert.ok(machine !== undefined)
    return machine
  }

  it('is told with its machine, what that was made of, and its agent', async () => {
    const { name, sizes, remembered, template, machines } = await look()
    assert.deepEqual([name, sizes, remembered, template], [ACME.bastion.name, ONE, undefined, '1'])
    const [machine, ...more] = machines
    assert.deepEqual(more, [])
    assert.deepEqual(
      [machine?.id, machine?.state, machine?.template, machine?.imageId, machine?.agent.kind],
      [ACME.bastion.instanceId, 'running', '1', 'ami-0d4c1e2f3a5b69788', 'registered'],
    )
  })

  it('is nothing where there is no group of that name', async () => {
    assert.equal(await control('another').look(), undefined)
  })

  it('takes what may not be seen for unknown', async () => {
    sandbox.cloud.state.turn({ deny: ['ec2:DescribeInstances', 'ssm:DescribeInstanceInformation'] })
    const [machine] = (await look()).machines
    assert.deepEqual([machine?.state, machine?.agent.kind], ['unread', 'unread'])
  })

  it('goes to 0 with its sizes noted, and comes back with them, its agent and all', async () => {
    await control().resize(NONE, ONE)
    const stopped = await look()
    assert.deepEqual([stopped.sizes, stopped.remembered, stopped.machines], [NONE, ONE, []])
    await eventually(() => !sandbox.cloud.gateway.isOnline(ACME.bastion.instanceId))
    await control().resize(ONE, undefined)
    const started = await look()
    assert.deepEqual([started.sizes, started.remembered, started.machines.length], [ONE, undefined, 1])
    assert.notEqual(started.machines[0]?.id, ACME.bastion.instanceId)
    await untilOnline()
  })

  it('replaces a machine by one of the version that it is told', async () => {
    const ec2 = new EC2Client({ region })
    await ec2.send(
      new CreateLaunchTemplateVersionCommand({
        LaunchTemplateName: ACME.bastion.name,
        SourceVersion: '1',
        LaunchTemplateData: { ImageId: 'ami-0123456789abcdef0' },
      }),
    )
    ec2.destroy()
    await untilOnline()
    await control().useTemplate('2')
    const [before] = (await look()).machines
    assert.equal(before?.template, '1', 'what runs stays')
    await control().replace(before?.id ?? '')
    const after = await untilOnline()
    assert.deepEqual([after.template, after.imageId], ['2', 'ami-0123456789abcdef0'])
    await assert.rejects(control().useTemplate('3'), { code: 'failed' })
    await assert.rejects(control().replace(before?.id ?? ''), { code: 'failed' })
  })

  it('has machines whose agents never come up', async () => {
    sandbox.cloud.state.turn({ boot: 'silent' })
    const [before] = (await look()).machines
    await control().replace(before?.id ?? '')
    const [machine] = (await look()).machines
    assert.deepEqual([machine?.state, machine?.agent.kind], ['running', 'unregistered'])
    sandbox.cloud.state.turn({ boot: 'online' })
    await control().replace(machine?.id ?? '')
    await untilOnline()
  })

  it('names whoever is on a machine, and ends their session', async () => {
    const machine = await untilOnline()
    const records = createSessionRecords(connection())
    assert.deepEqual(await records.active(machine.id), [])
    const { sessionId } = await createSessionApi(connection()).start({ target: machine.id, reason: 'INC-1' })
    const [record] = await records.active(machine.id)
    assert.deepEqual(
      [record?.id, record?.owner, record?.machine, record?.reason],
      [sessionId, `arn:aws:iam::${account}:user/operator`, machine.id, 'INC-1'],
    )
    await records.end(sessionId)
    assert.deepEqual(await records.active(machine.id), [])
    await records.end(sessionId)
  })

  it('gives rights in the cluster and takes them back, once or twice', async () => {
    const elevations = createElevationApi(connection(), cluster.name, 'paragon')
    const eks = new EKSClient({ region })
    const rights = async () => {
      const input = { clusterName: cluster.name, principalArn: ROLE }
      const { associatedAccessPolicies = [] } = await eks.send(new ListAssociatedAccessPoliciesCommand(input))
      return associatedAccessPolicies.map(({ policyArn, accessScope }) => [
        policyArn?.split('/').at(-1),
        accessScope?.type,
        accessScope?.namespaces,
      ])
    }
    await assert.rejects(elevations.grant(ROLE, accessPolicyOf('edit', ROLE)), { code: 'target-unknown' })
    const create = (kubernetesGroups: string[] = []) =>
      eks.send(
        new CreateAccessEntryCommand({ clusterName: cluster.name, principalArn: ROLE, kubernetesGroups }),
      )
    await assert.rejects(create(['system:masters']), { name: 'InvalidParameterException' })
    await create()
    await assert.rejects(create(), { name: 'ResourceInUseException' })
    await elevations.grant(ROLE, accessPolicyOf('edit', ROLE))
    await elevations.grant(ROLE, accessPolicyOf('cluster-admin', ROLE))
    assert.deepEqual(await rights(), [
      ['AmazonEKSEditPolicy', 'namespace', ['paragon']],
      ['AmazonEKSClusterAdminPolicy', 'cluster', []],
    ])
    for (let time = 0; time < 2; time++) {
      await elevations.revoke(ROLE, accessPolicyOf('edit', ROLE))
      await elevations.revoke(ROLE, accessPolicyOf('cluster-admin', ROLE))
    }
    assert.deepEqual(await rights(), [])
    await eks.send(new DeleteAccessEntryCommand({ clusterName: cluster.name, principalArn: ROLE }))
    await elevations.revoke(ROLE, accessPolicyOf('edit', ROLE))
    eks.destroy()
    await assert.rejects(
      createElevationApi(connection(), 'another', 'x').grant(ROLE, accessPolicyOf('edit', ROLE)),
      {
        code: 'cluster-missing',
      },
    )
  })

  it('is of this installation alone', async () => {
    assert.equal(workspace, 'paragon-acme-5d1f0c2e')
    assert.equal(sandbox.cloud.gateway.isOnline('i-0000000000000000'), false)
  })
})
