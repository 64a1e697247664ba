/** The sandbox's AWS endpoint, met by the vendor's own SDK: what it signs is accepted, what it gets it understands. */

import assert from 'node:assert/strict'
import { Agent as HttpsAgent } from 'node:https'
import { describe, it } from 'node:test'
import {
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  EC2Client,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2'
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks'
import { DecryptCommand, GenerateDataKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import {
  DescribeInstanceInformationCommand,
  GetDocumentCommand,
  ResumeSessionCommand,
  SSMClient,
  StartSessionCommand,
  TerminateSessionCommand,
} from '@aws-sdk/client-ssm'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { WORLD, WORLD_NODES } from '#sandbox/world.ts'
import { stageCloud } from '../support/cloud-stage.ts'
import { errorOf } from '../support/sdk-clients.ts'

const { fixture, clients } = await stageCloud()

describe('AWS endpoint', { timeout: 30_000 }, () => {
  it('tells who is calling, over plain HTTP and over TLS on the same port', async () => {
    for (const endpoint of [fixture.url, fixture.secureUrl]) {
      const agent = new HttpsAgent({ ca: fixture.authority.certificate })
      const sts = new STSClient({
        region: WORLD.region,
        endpoint,
        credentials: fixture.operator,
        maxAttempts: 1,
        requestHandler: { httpsAgent: agent },
      })
      const identity = await sts.send(new GetCallerIdentityCommand({}))
      assert.equal(identity.Account, WORLD.account)
      assert.equal(identity.Arn, `arn:aws:iam::${WORLD.account}:user/operator`)
      sts.destroy()
      agent.destroy()
    }
  })

  it('refuses a client that does not trust its authority', async () => {
    const error = await errorOf(
      clients.of(STSClient, { endpoint: fixture.secureUrl }).send(new GetCallerIdentityCommand({})),
    )
    assert.match(String(error.message), /certificate|self-signed/)
  })

  it('another account sees none of the world', async () => {
    fixture.cloud.state.turn({ account: '999988887777' })
    const identity = await clients.of(STSClient).send(new GetCallerIdentityCommand({}))
    assert.equal(identity.Account, '999988887777')
    const { Reservations } = await clients.of(EC2Client).send(new DescribeInstancesCommand({}))
    assert.deepEqual(Reservations ?? [], [])
    const cluster = await errorOf(
      clients.of(EKSClient).send(new DescribeClusterCommand({ name: WORLD.cluster.name })),
    )
    assert.equal(cluster.name, 'ResourceNotFoundException')
  })

  describe('EC2', () => {
    const find = async (...filters: ReadonlyArray<[string, string[]]>) => {
      const { Reservations } = await clients
        .of(EC2Client)
        .send(new DescribeInstancesCommand({ Filters: filters.map(([Name, Values]) => ({ Name, Values })) }))
      return (Reservations ?? []).flatMap(({ Instances }) => Instances ?? [])
    }

    it('finds the bastion by its name, its state and both', async () => {
      const [bastion, ...others] = await find(['tag:Name', [WORLD.bastion.name]])
      assert.deepEqual(others, [])
      assert.equal(bastion?.InstanceId, WORLD.bastion.instanceId)
      assert.equal(bastion?.PrivateIpAddress, WORLD.bastion.address)
      assert.equal(bastion?.State?.Name, 'running')
      assert.ok(bastion?.LaunchTime instanceof Date)
      assert.ok(bastion?.Tags?.some(({ Key, Value }) => Key === 'Environment' && Value === 'enterprise'))
      assert.equal((await find(['tag:Name', ['*-bastion']], ['instance-state-name', ['running']])).length, 1)
      assert.equal((await find(['tag:Name', ['*-bastion']], ['instance-state-name', ['stopped']])).length, 0)
      assert.equal(
        (await find(['instance-state-name', ['running', 'stopped']])).length,
        1 + WORLD_NODES.length,
      )
    })

    it('tells the states that the knobs say', async () => {
      for (const state of ['stopped', 'terminated', 'pending'] as const) {
        fixture.cloud.state.turn({ bastion: state })
        assert.equal((await find(['tag:Name', [WORLD.bastion.name]]))[0]?.State?.Name, state)
      }
      fixture.cloud.state.turn({ bastion: 'missing', replacement: 'starting' })
      const [only, ...others] = await find(['tag:Name', [WORLD.bastion.name]])
      assert.equal(only?.InstanceId, WORLD.replacement.instanceId)
      assert.deepEqual(others, [])
    })

    it('pages before it filters, so that a page may be empty and not the last', async () => {
      const pages: number[] = []
      const filters = [{ Name: 'tag:Name', Values: [WORLD.bastion.name] }]
      for await (const page of paginateDescribeInstances(
        { client: clients.of(EC2Client), pageSize: 5 },
        { Filters: filters },
      ))
        pages.push(page.Reservations?.length ?? 0)
      assert.deepEqual(pages, [0, 1])
    })

    const REFUSED: ReadonlyArray<[string, DescribeInstancesCommandInput, string]> = [
      ['an unknown id', { InstanceIds: ['i-0123456789abcdef0'] }, 'InvalidInstanceID.NotFound'],
      ['a malformed id', { InstanceIds: ['bastion'] }, 'InvalidInstanceID.Malformed'],
      ['an unknown filter', { Filters: [{ Name: 'colour', Values: ['red'] }] }, 'InvalidParameterValue'],
      ['too small a page', { MaxResults: 2 }, 'InvalidParameterValue'],
      [
        'pages of named instances',
        { MaxResults: 5, InstanceIds: [WORLD.bastion.instanceId] },
        'InvalidParameterCombination',
      ],
      ['a token that it never gave', { MaxResults: 5, NextToken: 'x' }, 'InvalidPaginationToken'],
    ]
    for (const [what, input, name] of REFUSED)
      it(`refuses ${what}`, async () => {
        const error = await errorOf(clients.of(EC2Client).send(new DescribeInstancesCommand(input)))
        assert.equal(error.name, name)
      })
  })

  describe('EKS', () => {
    it('describes the cluster, with its private address and its authority', async () => {
      const { cluster } = await clients
        .of(EKSClient)
        .send(new DescribeClusterCommand({ name: WORLD.cluster.name }))
      assert.equal(cluster?.endpoint, `https://${WORLD.cluster.host}`)
      assert.equal(cluster?.status, 'ACTIVE')
      assert.equal(
        Buffer.from(cluster?.certificateAuthority?.data ?? '', 'base64').toString(),
        fixture.authority.certificate,
      )
      assert.ok(cluster?.createdAt instanceof Date)
    })

    it('is open to everybody only when it is exposed', async () => {
      const ask = async () => {
        const { cluster } = await clients
          .of(EKSClient)
          .send(new DescribeClusterCommand({ name: WORLD.cluster.name }))
        return [
          cluster?.resourcesVpcConfig?.endpointPublicAccess,
          cluster?.resourcesVpcConfig?.publicAccessCidrs,
        ]
      }
      assert.deepEqual(await ask(), [false, []])
      fixture.cloud.state.turn({ exposed: ['cluster'] })
      assert.deepEqual(await ask(), [true, ['0.0.0.0/0']])
    })

    it('has no address of a cluster in the making, and knows no other', async () => {
      fixture.cloud.state.turn({ cluster: 'CREATING' })
      const { cluster } = await clients
        .of(EKSClient)
        .send(new DescribeClusterCommand({ name: WORLD.cluster.name }))
      assert.equal(cluster?.endpoint, undefined)
      const error = await errorOf(clients.of(EKSClient).send(new DescribeClusterCommand({ name: 'other' })))
      assert.equal(error.name, 'ResourceNotFoundException')
      assert.equal(error.message, 'No cluster found for name: other.')
    })
  })

  describe('KMS', () => {
    const context = { 'aws:ssm:SessionId': 'operator-1', 'aws:ssm:TargetId': 'i-1' }
    const generate = () =>
      clients.of(KMSClient).send(
        new GenerateDataKeyCommand({
          KeyId: WORLD.kmsKeyArn,
          NumberOfBytes: 64,
          EncryptionContext: context,
        }),
      )

    it('decrypts what it encrypted, in the same context', async () => {
      const { Plaintext, CiphertextBlob } = await generate()
      assert.equal(Plaintext?.length, 64)
      const again = await clients
        .of(KMSClient)
        .send(new DecryptCommand({ CiphertextBlob, EncryptionContext: { ...context } }))
      assert.deepEqual(again.Plaintext, Plaintext)
      assert.equal(again.KeyId, WORLD.kmsKeyArn)
    })

    it('refuses another context, a changed blob and another key', async () => {
      const { CiphertextBlob } = await generate()
      const wrong = await errorOf(
        clients.of(KMSClient).send(
          new DecryptCommand({
            CiphertextBlob,
            EncryptionContext: { ...context, 'aws:ssm:TargetId': 'i-2' },
          }),
        ),
      )
      assert.equal(wrong.name, 'InvalidCiphertextException')
      const changed = Uint8Array.from(CiphertextBlob ?? [])
      changed[20] = (changed[20] as number) ^ 1
      const tampered = await errorOf(
        clients
          .of(KMSClient)
          .send(new DecryptCommand({ CiphertextBlob: changed, EncryptionContext: context })),
      )
      assert.equal(tampered.name, 'InvalidCiphertextException')
      const missing = await errorOf(
        clients.of(KMSClient).send(new GenerateDataKeyCommand({ KeyId: 'other', NumberOfBytes: 64 })),
      )
      assert.equal(missing.name, 'NotFoundException')
    })
  })

  describe('SSM', () => {
    it('knows the bastion, whose agent is not connected here', async () => {
      const { InstanceInformationList } = await clients.of(SSMClient).send(
        new DescribeInstanceInformationCommand({
          Filters: [{ Key: 'InstanceIds', Values: [WORLD.bastion.instanceId] }],
        }),
      )
      assert.equal(InstanceInformationList?.length, 1)
      assert.equal(InstanceInformationList?.[0]?.PingStatus, 'ConnectionLost')
      assert.ok(InstanceInformationList?.[0]?.LastPingDateTime instanceof Date)
    })

    it('tells the version of the agent that the knobs say', async () => {
      const ask = async () => {
        const found = await clients.of(SSMClient).send(new DescribeInstanceInformationCommand({}))
        return found.InstanceInformationList?.map(({ AgentVersion }) => AgentVersion)
      }
      assert.deepEqual(await ask(), [WORLD.bastion.agentVersion])
      fixture.cloud.state.turn({ agentVersion: '3.3.4515.0' })
      assert.deepEqual(await ask(), ['3.3.4515.0'])
    })

    it('starts no session on a node that is not connected', async () => {
      const error = await errorOf(
        clients.of(SSMClient).send(new StartSessionCommand({ Target: WORLD.bastion.instanceId })),
      )
      assert.equal(error.name, 'TargetNotConnected')
      assert.equal(error.message, `${WORLD.bastion.instanceId} is not connected.`)
    })

    const Target = WORLD.bastion.instanceId
    const REFUSED: ReadonlyArray<[string, ConstructorParameters<typeof StartSessionCommand>[0], string]> = [
      ['an unknown document', { Target, DocumentName: 'AWS-StartNothing' }, 'InvalidDocument'],
      ['a missing command', { Target, DocumentName: 'AWS-StartInteractiveCommand' }, 'InvalidParameters'],
      [
        'an unknown parameter',
        { Target, DocumentName: 'AWS-StartPortForwardingSession', Parameters: { port: ['80'] } },
        'InvalidParameters',
      ],
      [
        'a port out of range',
        { Target, DocumentName: 'AWS-StartPortForwardingSession', Parameters: { portNumber: ['65536'] } },
        'InvalidParameters',
      ],
      [
        'two values',
        { Target, DocumentName: 'AWS-StartPortForwardingSession', Parameters: { portNumber: ['80', '81'] } },
        'InvalidParameters',
      ],
      [
        'a host that a shell would read',
        {
          Target,
          DocumentName: 'AWS-StartPortForwardingSessionToRemoteHost',
          Parameters: { host: ['$(id).example'], portNumber: ['80'] },
        },
        'InvalidParameters',
      ],
      ['a reason of 257 characters', { Target, Reason: 'x'.repeat(257) }, 'ValidationException'],
    ]
    for (const [what, input, name] of REFUSED)
      it(`refuses ${what}`, async () => {
        assert.equal((await errorOf(clients.of(SSMClient).send(new StartSessionCommand(input)))).name, name)
      })

    it('shows the preferences: idle and maximum time, and the key', async () => {
      fixture.cloud.state.turn({ idle: 5 * 60_000, maximum: 90 * 60_000, kms: 'on' })
      const { Content } = await clients
        .of(SSMClient)
        .send(new GetDocumentCommand({ Name: 'SSM-SessionManagerRunShell', DocumentFormat: 'JSON' }))
      const { inputs, sessionType } = JSON.parse(Content ?? '')
      assert.equal(sessionType, 'Standard_Stream')
      assert.equal(inputs.idleSessionTimeout, '5')
      assert.equal(inputs.maxSessionDuration, '90')
      assert.equal(inputs.kmsKeyId, WORLD.kmsKeyArn)
    })

    it('resumes and ends no session that it does not know', async () => {
      const SessionId = 'operator-0123456789abcdef0'
      for (const command of [
        new ResumeSessionCommand({ SessionId }),
        new TerminateSessionCommand({ SessionId }),
      ]) {
        const error = await errorOf(clients.of(SSMClient).send(command as ResumeSessionCommand))
        assert.equal(error.name, 'DoesNotExistException')
      }
    })
  })

  it('records every call with its action, resource and outcome', async () => {
    const from = fixture.cloud.calls.last
    await clients.of(EKSClient).send(new DescribeClusterCommand({ name: WORLD.cluster.name }))
    await errorOf(clients.of(SSMClient).send(new StartSessionCommand({ Target: WORLD.bastion.instanceId })))
    const calls = fixture.cloud.calls
      .since(from)
      .map(({ service, action, resource, outcome }) => [service, action, resource, outcome])
    assert.deepEqual(calls, [
      [
        'eks',
        'DescribeCluster',
        `arn:aws:eks:${WORLD.region}:${WORLD.account}:cluster/${WORLD.cluster.name}`,
        'ok',
      ],
      [
        'ssm',
        'StartSession',
        `arn:aws:ec2:${WORLD.region}:${WORLD.account}:instance/${WORLD.bastion.instanceId}`,
        'TargetNotConnected',
      ],
    ])
  })
})
