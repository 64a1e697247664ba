/** The sandbox's AWS endpoint, met by the vendor's own SDK: what it signs is accepted, what it gets it understands. */

import assert from 'node:assert/strict'
import { Agent as HttpsAgent } from 'node:https'
import { after, afterEach, before, describe, it } from 'node:test'
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
  DescribeSessionsCommand,
  GetDocumentCommand,
  ResumeSessionCommand,
  SSMClient,
  StartSessionCommand,
  TerminateSessionCommand,
} from '@aws-sdk/client-ssm'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { SignatureV4 } from '@smithy/signature-v4'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { WORLD, WORLD_NODES } from '#sandbox/world.ts'
import { Sha256 } from '../support/sha256.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

let fixture: TestCloud
const clients: Array<{ destroy(): void }> = []

before(async () => {
  fixture = await startTestCloud()
})
afterEach(() => {
  fixture.cloud.state.turn(DEFAULT_KNOBS)
  for (const client of clients.splice(0)) client.destroy()
})
after(async () => {
  await fixture[Symbol.asyncDispose]()
})

interface Overrides {
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  readonly endpoint?: string
  readonly region?: string
  readonly systemClockOffset?: number
}

interface ClientSettings {
  region: string
  endpoint: string
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  maxAttempts: number
  systemClockOffset?: number
}
type ClientClass<C> = new (settings: ClientSettings) => C

function client<C extends { destroy(): void }>(of: ClientClass<C>, overrides: Overrides = {}): C {
  const { accessKeyId, secretAccessKey } = { ...fixture.operator, ...overrides }
  const made = new of({
    region: overrides.region ?? WORLD.region,
    endpoint: overrides.endpoint ?? fixture.url,
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(overrides.sessionToken === undefined ? {} : { sessionToken: overrides.sessionToken }),
    },
    maxAttempts: 1,
    ...(overrides.systemClockOffset === undefined ? {} : { systemClockOffset: overrides.systemClockOffset }),
  })
  clients.push(made)
  return made
}

interface SdkError {
  readonly name: string
  readonly message: string
  readonly $metadata: { readonly httpStatusCode?: number; readonly requestId?: string }
}

async function errorOf(promise: Promise<unknown>): Promise<SdkError> {
  try {
    await promise
  } catch (error) {
    return error as SdkError
  }
  assert.fail('an error was expected')
}

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
      client(STSClient, { endpoint: fixture.secureUrl }).send(new GetCallerIdentityCommand({})),
    )
    assert.match(String(error.message), /certificate|self-signed/)
  })

  describe('credentials, in the words of each service', () => {
    const calls = {
      ssm: (overrides: Overrides) =>
        client(SSMClient, overrides).send(new DescribeSessionsCommand({ State: 'Active' })),
      kms: (overrides: Overrides) =>
        client(KMSClient, overrides).send(
          new GenerateDataKeyCommand({ KeyId: WORLD.kmsKeyArn, NumberOfBytes: 64 }),
        ),
      ec2: (overrides: Overrides) => client(EC2Client, overrides).send(new DescribeInstancesCommand({})),
      eks: (overrides: Overrides) =>
        client(EKSClient, overrides).send(new DescribeClusterCommand({ name: WORLD.cluster.name })),
      sts: (overrides: Overrides) => client(STSClient, overrides).send(new GetCallerIdentityCommand({})),
    }
    const unknownKey = { accessKeyId: 'AKIAABCDEFGHIJKLMNOP' }
    const wrongSecret = { secretAccessKey: 'not the secret' }
    const skewed = { systemClockOffset: -20 * 60_000 }
    const ROWS: ReadonlyArray<[keyof typeof calls, Overrides, string, number]> = [
      ['ssm', unknownKey, 'UnrecognizedClientException', 400],
      ['kms', unknownKey, 'UnrecognizedClientException', 400],
      ['eks', unknownKey, 'UnrecognizedClientException', 403],
      ['sts', unknownKey, 'InvalidClientTokenId', 403],
      ['ec2', unknownKey, 'AuthFailure', 401],
      ['ssm', wrongSecret, 'InvalidSignatureException', 400],
      ['kms', wrongSecret, 'InvalidSignatureException', 400],
      ['eks', wrongSecret, 'InvalidSignatureException', 403],
      ['sts', wrongSecret, 'SignatureDoesNotMatch', 403],
      ['ec2', wrongSecret, 'AuthFailure', 401],
      ['ssm', skewed, 'InvalidSignatureException', 400],
      ['sts', skewed, 'SignatureDoesNotMatch', 403],
      ['ec2', skewed, 'RequestExpired', 400],
      ['ssm', { sessionToken: 'of another key' }, 'UnrecognizedClientException', 400],
      ['ssm', { region: 'us-east-1' }, 'InvalidSignatureException', 400],
    ]
    for (const [service, overrides, name, status] of ROWS)
      it(`${service} answers ${name} to ${JSON.stringify(overrides)}`, async () => {
        const error = await errorOf(calls[service](overrides))
        assert.equal(error.name, name)
        assert.equal(error.$metadata.httpStatusCode, status)
        assert.ok(error.$metadata.requestId)
      })

    const EXPIRED: ReadonlyArray<[keyof typeof calls, string]> = [
      ['ssm', 'ExpiredTokenException'],
      ['kms', 'ExpiredTokenException'],
      ['eks', 'ExpiredTokenException'],
      ['sts', 'ExpiredToken'],
      ['ec2', 'RequestExpired'],
    ]
    for (const [service, name] of EXPIRED)
      it(`${service} answers ${name} to expired credentials`, async () => {
        fixture.cloud.state.turn({ credentials: 'expired' })
        assert.equal((await errorOf(calls[service]({}))).name, name)
      })

    it('a request without a signature is told so', async () => {
      const post = (headers: Record<string, string>, body: string) =>
        fetch(fixture.url, { method: 'POST', headers, body }).then(
          async (r) => [r.status, await r.text()] as const,
        )
      const [status, text] = await post(
        { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.StartSession' },
        '{}',
      )
      assert.equal(status, 400)
      assert.equal(JSON.parse(text).__type, 'MissingAuthenticationTokenException')
      const [stsStatus, xml] = await post(
        { 'content-type': 'application/x-www-form-urlencoded' },
        'Action=GetCallerIdentity&Version=2011-06-15',
      )
      assert.equal(stsStatus, 403)
      assert.match(xml, /<Code>MissingAuthenticationToken<\/Code>/)
    })

    it('permissions are refused by action, with the resource named', async () => {
      fixture.cloud.state.turn({
        deny: ['ssm:StartSession', 'ec2:DescribeInstances', 'eks:DescribeCluster', 'kms:GenerateDataKey'],
      })
      const start = await errorOf(
        client(SSMClient).send(new StartSessionCommand({ Target: WORLD.bastion.instanceId })),
      )
      assert.equal(start.name, 'AccessDeniedException')
      assert.equal(
        start.message,
        `User: arn:aws:iam::${WORLD.account}:user/operator is not authorized to perform: ssm:StartSession on resource: ` +
          `arn:aws:ec2:${WORLD.region}:${WORLD.account}:instance/${WORLD.bastion.instanceId} ` +
          'because no identity-based policy allows the ssm:StartSession action',
      )
      assert.equal((await errorOf(calls.ec2({}))).name, 'UnauthorizedOperation')
      assert.equal((await errorOf(calls.eks({}))).name, 'AccessDeniedException')
      assert.equal((await errorOf(calls.kms({}))).name, 'AccessDeniedException')
      await calls.ssm({})
    })

    it('throttles as many calls as it is told', async () => {
      fixture.cloud.state.turn({ throttle: { 'ssm:DescribeSessions': 1, 'ec2:DescribeInstances': 1 } })
      assert.equal((await errorOf(calls.ssm({}))).name, 'ThrottlingException')
      assert.equal((await errorOf(calls.ec2({}))).name, 'RequestLimitExceeded')
      await calls.ssm({})
      await calls.ec2({})
    })
  })

  it('another account sees none of the world', async () => {
    fixture.cloud.state.turn({ account: '999988887777' })
    const identity = await client(STSClient).send(new GetCallerIdentityCommand({}))
    assert.equal(identity.Account, '999988887777')
    const { Reservations } = await client(EC2Client).send(new DescribeInstancesCommand({}))
    assert.deepEqual(Reservations ?? [], [])
    const cluster = await errorOf(
      client(EKSClient).send(new DescribeClusterCommand({ name: WORLD.cluster.name })),
    )
    assert.equal(cluster.name, 'ResourceNotFoundException')
  })

  describe('EC2', () => {
    const find = async (...filters: ReadonlyArray<[string, string[]]>) => {
      const { Reservations } = await client(EC2Client).send(
        new DescribeInstancesCommand({ Filters: filters.map(([Name, Values]) => ({ Name, Values })) }),
      )
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
        { client: client(EC2Client), pageSize: 5 },
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
        const error = await errorOf(client(EC2Client).send(new DescribeInstancesCommand(input)))
        assert.equal(error.name, name)
      })
  })

  describe('EKS', () => {
    it('describes the cluster, with its private address and its authority', async () => {
      const { cluster } = await client(EKSClient).send(
        new DescribeClusterCommand({ name: WORLD.cluster.name }),
      )
      assert.equal(cluster?.endpoint, `https://${WORLD.cluster.host}`)
      assert.equal(cluster?.status, 'ACTIVE')
      assert.equal(
        Buffer.from(cluster?.certificateAuthority?.data ?? '', 'base64').toString(),
        fixture.authority.certificate,
      )
      assert.ok(cluster?.createdAt instanceof Date)
    })

    it('has no address of a cluster in the making, and knows no other', async () => {
      fixture.cloud.state.turn({ cluster: 'CREATING' })
      const { cluster } = await client(EKSClient).send(
        new DescribeClusterCommand({ name: WORLD.cluster.name }),
      )
      assert.equal(cluster?.endpoint, undefined)
      const error = await errorOf(client(EKSClient).send(new DescribeClusterCommand({ name: 'other' })))
      assert.equal(error.name, 'ResourceNotFoundException')
      assert.equal(error.message, 'No cluster found for name: other.')
    })
  })

  describe('KMS', () => {
    const context = { 'aws:ssm:SessionId': 'operator-1', 'aws:ssm:TargetId': 'i-1' }
    const generate = () =>
      client(KMSClient).send(
        new GenerateDataKeyCommand({ KeyId: WORLD.kmsKeyArn, NumberOfBytes: 64, EncryptionContext: context }),
      )

    it('decrypts what it encrypted, in the same context', async () => {
      const { Plaintext, CiphertextBlob } = await generate()
      assert.equal(Plaintext?.length, 64)
      const again = await client(KMSClient).send(
        new DecryptCommand({ CiphertextBlob, EncryptionContext: { ...context } }),
      )
      assert.deepEqual(again.Plaintext, Plaintext)
      assert.equal(again.KeyId, WORLD.kmsKeyArn)
    })

    it('refuses another context, a changed blob and another key', async () => {
      const { CiphertextBlob } = await generate()
      const wrong = await errorOf(
        client(KMSClient).send(
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
        client(KMSClient).send(new DecryptCommand({ CiphertextBlob: changed, EncryptionContext: context })),
      )
      assert.equal(tampered.name, 'InvalidCiphertextException')
      const missing = await errorOf(
        client(KMSClient).send(new GenerateDataKeyCommand({ KeyId: 'other', NumberOfBytes: 64 })),
      )
      assert.equal(missing.name, 'NotFoundException')
    })
  })

  describe('SSM', () => {
    it('knows the bastion, whose agent is not connected here', async () => {
      const { InstanceInformationList } = await client(SSMClient).send(
        new DescribeInstanceInformationCommand({
          Filters: [{ Key: 'InstanceIds', Values: [WORLD.bastion.instanceId] }],
        }),
      )
      assert.equal(InstanceInformationList?.length, 1)
      assert.equal(InstanceInformationList?.[0]?.PingStatus, 'ConnectionLost')
      assert.ok(InstanceInformationList?.[0]?.LastPingDateTime instanceof Date)
    })

    it('starts no session on a node that is not connected', async () => {
      const error = await errorOf(
        client(SSMClient).send(new StartSessionCommand({ Target: WORLD.bastion.instanceId })),
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
        assert.equal((await errorOf(client(SSMClient).send(new StartSessionCommand(input)))).name, name)
      })

    it('shows the preferences: idle and maximum time, and the key', async () => {
      fixture.cloud.state.turn({ idle: 5 * 60_000, maximum: 90 * 60_000, kms: 'on' })
      const { Content } = await client(SSMClient).send(
        new GetDocumentCommand({ Name: 'SSM-SessionManagerRunShell', DocumentFormat: 'JSON' }),
      )
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
        const error = await errorOf(client(SSMClient).send(command as ResumeSessionCommand))
        assert.equal(error.name, 'DoesNotExistException')
      }
    })
  })

  it('records every call with its action, resource and outcome', async () => {
    const from = fixture.cloud.calls.last
    await client(EKSClient).send(new DescribeClusterCommand({ name: WORLD.cluster.name }))
    await errorOf(client(SSMClient).send(new StartSessionCommand({ Target: WORLD.bastion.instanceId })))
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

  describe('EKS tokens', () => {
    async function token(
      overrides: { cluster?: string; secret?: string; at?: Date; action?: string } = {},
    ): Promise<string> {
      const signer = new SignatureV4({
        credentials: {
          ...fixture.operator,
          ...(overrides.secret === undefined ? {} : { secretAccessKey: overrides.secret }),
        },
        region: WORLD.region,
        service: 'sts',
        sha256: Sha256,
      })
      const hostname = `sts.${WORLD.region}.amazonaws.com`
      const signed = await signer.presign(
        {
          method: 'GET',
          protocol: 'https:',
          hostname,
          path: '/',
          query: { Action: overrides.action ?? 'GetCallerIdentity', Version: '2011-06-15' },
          headers: { host: hostname, 'x-k8s-aws-id': overrides.cluster ?? WORLD.cluster.name },
        },
        {
          expiresIn: 60,
          unhoistableHeaders: new Set(['x-k8s-aws-id']),
          ...(overrides.at === undefined ? {} : { signingDate: overrides.at }),
        },
      )
      const query = new URLSearchParams(signed.query as Record<string, string>)
        .toString()
        .replaceAll('+', '%20')
      return `k8s-aws-v1.${Buffer.from(`https://${hostname}/?${query}`).toString('base64url')}`
    }

    it('a token of this cluster says who it is, for 15 minutes', async () => {
      const verdict = fixture.cloud.verifyToken(await token())
      assert.ok(verdict.ok)
      assert.equal(verdict.identity.arn, `arn:aws:iam::${WORLD.account}:user/operator`)
      const old = await token({ at: new Date(Date.now() - 14 * 60_000) })
      assert.equal(fixture.cloud.verifyToken(old).ok, true)
    })

    const WRONG = [
      { why: 'another cluster', overrides: { cluster: 'other' } },
      { why: 'another secret', overrides: { secret: 'x' } },
      { why: 'another action', overrides: { action: 'GetSessionToken' } },
      { why: 'too old', overrides: { at: new Date(Date.now() - 16 * 60_000) } },
    ]
    for (const { why, overrides } of WRONG)
      it(`refuses a token that is of ${why}`, async () => {
        assert.equal(fixture.cloud.verifyToken(await token(overrides)).ok, false)
      })

    it('refuses what is no token at all', () => {
      for (const text of [
        '',
        'x',
        'k8s-aws-v1.',
        'k8s-aws-v1.bm90IGEgdXJs',
        `k8s-aws-v1.${Buffer.from('https://evil.example/?Action=GetCallerIdentity').toString('base64url')}`,
      ])
        assert.equal(fixture.cloud.verifyToken(text).ok, false)
    })
  })

  describe('who may speak to it', () => {
    const get = (headers: Record<string, string>, path = '/') =>
      new Promise<number | undefined>((resolve, reject) => {
        import('node:http').then(({ get: send }) =>
          send({ host: '127.0.0.1', port: fixture.cloud.port, path, headers }, (response) => {
            response.resume()
            resolve(response.statusCode)
          }).on('error', reject),
        )
      })

    it('answers only to its own names, with its own port', async () => {
      const { port } = fixture.cloud
      for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
        assert.notEqual(await get({ host }), 403, host)
      for (const host of ['evil.example', `evil.example:${port}`, `127.0.0.1:${port + 1}`, '127.0.0.1'])
        assert.equal(await get({ host }), 403, host)
    })

    it('refuses pages of other origins, WebSockets included', async () => {
      const host = `127.0.0.1:${fixture.cloud.port}`
      assert.equal(await get({ host, origin: 'https://evil.example' }), 403)
      const upgrade = {
        host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      }
      assert.equal(await get({ ...upgrade, origin: 'https://evil.example' }, '/v1/data-channel/x'), 403)
    })

    it('tells the administration nothing without its secret', async () => {
      const ask = (secret: string) =>
        fetch(`${fixture.url}/_sandbox/knobs`, { headers: { authorization: `Bearer ${secret}` } })
      assert.equal((await ask('wrong')).status, 401)
      const answer = await ask(fixture.adminSecret)
      assert.deepEqual(await answer.json(), DEFAULT_KNOBS)
    })

    it('takes knobs and faults from the administration, and refuses words it does not know', async () => {
      const send = (method: string, path: string, body: unknown) =>
        fetch(`${fixture.url}/_sandbox/${path}`, {
          method,
          headers: { authorization: `Bearer ${fixture.adminSecret}` },
          body: JSON.stringify(body),
        })
      const changed = await send('PATCH', 'knobs', { bastion: 'stopped' })
      assert.equal(((await changed.json()) as { bastion: string }).bastion, 'stopped')
      assert.equal(fixture.cloud.state.knobs.bastion, 'stopped')
      assert.equal((await send('PATCH', 'knobs', { bastion: 'lost' })).status, 400)
      assert.equal((await send('PATCH', 'knobs', { colour: 'red' })).status, 400)
      assert.equal((await send('POST', 'faults', { kind: 'clear' })).status, 200)
      assert.equal((await send('POST', 'faults', { kind: 'explode' })).status, 400)
    })
  })
})
