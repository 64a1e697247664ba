import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type AwsAccess, accessKeyDigest, connectAws } from '#core/aws/clients.ts'
import { createIdentityApi } from '#core/aws/identity.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { isPgctlError, type PgctlError } from '#core/errors.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import {
  type AwsAnswer,
  callerIdentity,
  jsonError,
  queryError,
  ScriptedAws,
} from '../support/scripted-aws.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }

describe('the connection to AWS', { timeout: 30_000 }, () => {
  let folder: string
  const opened: OutboundAgents[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-aws-'))
  })
  beforeEach(() => {
    for (const name of Object.keys(process.env))
      if (/^AWS_|_PROXY$|_proxy$/.test(name)) delete process.env[name]
    setEnvironment({
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: join(folder, 'config'),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    })
  })
  after(async () => {
    for (const agents of opened) agents.close()
    await rm(folder, { recursive: true, force: true })
  })

  function setEnvironment(variables: Record<string, string>) {
    Object.assign(process.env, variables)
  }

  function access(values: Partial<AwsAccess> = {}): AwsAccess {
    const agents = createOutboundAgents(process.env)
    opened.push(agents)
    return {
      region: 'eu-central-1',
      environment: process.env,
      agents,
      clock: systemClock,
      version: '0.1.0',
      ...values,
    }
  }

  function identityApi(values: Partial<AwsAccess> = {}) {
    return createIdentityApi(connectAws(access(values)))
  }

  async function failureOf(action: Promise<unknown>): Promise<PgctlError> {
    const error = await action.then(
      () => assert.fail('it did not fail'),
      (thrown: unknown) => thrown,
    )
    assert.ok(isPgctlError(error), String(error))
    return error
  }

  it('says who it is, to the endpoint that the environment names', async () => {
    await using aws = await ScriptedAws.start(() => callerIdentity())
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    assert.deepEqual(await identityApi().caller(), {
      account: '111122223333',
      arn: 'arn:aws:iam::111122223333:user/alex',
    })
    const [request] = aws.requests
    assert.match(request?.headers['user-agent'] ?? '', /\bpgctl\/0\.1\.0\b/)
    assert.match(request?.headers.authorization ?? '', /\/eu-central-1\/sts\/aws4_request/)
  })

  it('uses one connection for calls one after another, of any client', async () => {
    await using aws = await ScriptedAws.start(({ operation }) =>
      operation === 'GetCallerIdentity' ? callerIdentity() : { body: '{"SessionId":"alex-0d9b"}' },
    )
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    const connection = connectAws(access())
    await createIdentityApi(connection).caller()
    const sessions = createSessionApi(connection)
    await sessions.terminate('alex-0d9b')
    await sessions.terminate('alex-0d9b')
    assert.equal(aws.requests.length, 3)
    assert.equal(aws.connections, 1)
  })

  const transient: { reason: string; first: AwsAnswer }[] = [
    { reason: 'a failure of the service', first: queryError('InternalFailure', 'try later', 500) },
    { reason: 'throttling', first: queryError('Throttling', 'Rate exceeded') },
  ]
  for (const { reason, first } of transient) {
    it(`tries again after ${reason}`, async () => {
      await using aws = await ScriptedAws.start((_, count) => (count === 1 ? first : callerIdentity()))
      setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
      assert.equal((await identityApi().caller()).account, '111122223333')
      assert.equal(aws.requests.length, 2)
    })
  }

  it('does not repeat what was refused', async () => {
    await using aws = await ScriptedAws.start(() =>
      jsonError('TargetNotConnected', 'i-0a1b2c3d is not connected.'),
    )
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    const error = await failureOf(createSessionApi(connectAws(access())).start({ target: 'i-0a1b2c3d' }))
    assert.equal(error.code, 'agent-offline')
    assert.equal(error.requestId, 'request-1')
    assert.equal(aws.requests.length, 1)
  })

  it('tells a page of something else from an answer', async () => {
    await using aws = await ScriptedAws.start(() => ({
      type: 'text/html',
      body: '<html>Log in to this network</html>',
    }))
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    const error = await failureOf(createSessionApi(connectAws(access())).start({ target: 'i-0a1b2c3d' }))
    assert.equal(error.code, 'endpoint-unreachable')
    assert.match(error.message, /something else answered/)
  })

  it('says that nobody listens', async () => {
    const aws = await ScriptedAws.start(() => callerIdentity())
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    await aws[Symbol.asyncDispose]()
    assert.equal((await failureOf(identityApi().caller())).code, 'endpoint-unreachable')
  })

  it('ends at once, with the reason, when it is told to', async () => {
    const arrived = Promise.withResolvers<void>()
    await using aws = await ScriptedAws.start(() => {
      arrived.resolve()
      return 'silence'
    })
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    const controller = new AbortController()
    const call = identityApi().caller(controller.signal)
    await arrived.promise
    const reason = new Error('the person pressed Ctrl-C')
    controller.abort(reason)
    await assert.rejects(call, reason)
    await assert.rejects(identityApi().caller(controller.signal), reason)
    assert.equal(aws.requests.length, 1)
  })

  it('trusts the authorities of AWS_CA_BUNDLE, and says what to do where one is missing', async () => {
    const authority = await createAuthority()
    const { certificate: cert, key } = await authority.issue({ names: ['aws.example'] })
    await using aws = await ScriptedAws.start(() => callerIdentity(), { cert, key })
    setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
    const error = await failureOf(identityApi().caller())
    assert.equal(error.code, 'endpoint-unreachable')
    assert.match(error.next ?? '', /AWS_CA_BUNDLE/)

    const bundle = join(folder, 'bundle.pem')
    await writeFile(bundle, authority.certificate)
    setEnvironment({ AWS_CA_BUNDLE: bundle })
    assert.equal((await identityApi().caller()).account, '111122223333')
  })

  it('names an AWS_CA_BUNDLE that is not there, and a proxy that is none', () => {
    const missing = join(folder, 'missing.pem')
    assert.throws(
      () => createOutboundAgents({ AWS_CA_BUNDLE: missing }),
      (error) => isPgctlError(error, 'config-invalid') && error.message.includes(missing),
    )
    for (const proxy of ['not a proxy', 'socks5://127.0.0.1:1080', 'http://['])
      assert.throws(
        () => createOutboundAgents({ https_proxy: proxy }),
        (error) => isPgctlError(error, 'config-invalid') && error.message.includes('HTTPS_PROXY'),
      )
  })

  it('goes through HTTPS_PROXY to AWS, and past any proxy to this computer', async () => {
    const asked: string[] = []
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      response.writeHead(502).end()
    })
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`)
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    try {
      // Other programs take a proxy without its scheme; so do we.
      setEnvironment({ ...KEYS, HTTPS_PROXY: url.slice('http://'.length), HTTP_PROXY: url })
      assert.equal((await failureOf(identityApi().caller())).code, 'endpoint-unreachable')
      assert.deepEqual(new Set(asked), new Set(['CONNECT sts.eu-central-1.amazonaws.com:443']))

      asked.length = 0
      await using aws = await ScriptedAws.start(() => callerIdentity())
      setEnvironment({ AWS_ENDPOINT_URL: aws.url })
      await identityApi().caller()
      assert.deepEqual(asked, [])
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })

  describe('credentials', () => {
    it('are missing where there are none, without a word on the console', async () => {
      const error = await failureOf(identityApi().key())
      assert.equal(error.code, 'credentials-missing')
      assert.equal(error.message, 'there are no AWS credentials')
    })

    it('are missing for a profile that does not exist, which is named', async () => {
      setEnvironment(KEYS)
      const error = await failureOf(identityApi({ profile: 'acme' }).key())
      assert.equal(error.code, 'credentials-missing')
      assert.match(error.message, /profile acme/)
      assert.match(error.next ?? '', /aws sso login --profile acme/)
    })

    it('come from the profile that is named, and are known by a digest of their key', async () => {
      await writeFile(
        join(folder, 'credentials'),
        '[acme]\naws_access_key_id = AKIAACME\naws_secret_access_key = secret\n',
      )
      const key = await identityApi({ profile: 'acme' }).key()
      assert.deepEqual(key, { digest: accessKeyDigest('AKIAACME'), expires: undefined })
      assert.doesNotMatch(key.digest, /AKIA/)
    })

    it('that expired at the single sign-on are told with the command that renews them', async () => {
      await writeFile(
        join(folder, 'config'),
        '[profile sso]\nsso_start_url = https://acme.awsapps.example/start\nsso_region = eu-west-1\nsso_account_id = 111122223333\nsso_role_name = Support\n',
      )
      const home = process.env['HOME']
      setEnvironment({ HOME: folder })
      try {
        const error = await failureOf(identityApi({ profile: 'sso' }).key())
        assert.equal(error.code, 'credentials-expired')
        assert.equal(error.next, 'aws sso login --profile sso')
      } finally {
        if (home !== undefined) setEnvironment({ HOME: home })
      }
    })

    it('of a role are asked for once by many, and again before they end', async () => {
      const expiry = () => new Date(time + 60 * 60_000).toISOString()
      let time = Date.now()
      const clock = { now: () => ({ mono: time, wall: time }), after: systemClock.after }
      await using aws = await ScriptedAws.start(() => assumedRole(expiry()))
      setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url, USER: 'alex o’neil' })
      const role = { arn: 'arn:aws:iam::111122223333:role/Support', externalId: 'acme-42' }
      const connection = connectAws(access({ role, clock }))
      const all = await Promise.all(Array.from({ length: 10 }, () => connection.credentials()))
      assert.deepEqual(new Set(all.map(({ accessKeyId }) => accessKeyId)), new Set(['ASIAEXAMPLE']))
      assert.equal(aws.requests.length, 1)
      const sent = new URLSearchParams(aws.requests[0]?.body)
      assert.equal(sent.get('RoleArn'), role.arn)
      assert.equal(sent.get('ExternalId'), 'acme-42')
      assert.equal(sent.get('RoleSessionName'), 'pgctl-alex-o-neil')

      time += 54 * 60_000
      await connection.credentials()
      assert.equal(aws.requests.length, 1)
      time += 2 * 60_000
      await connection.credentials()
      assert.equal(aws.requests.length, 2)
    })

    it('of a role that may not be assumed are a permission, and are asked for again the next time', async () => {
      await using aws = await ScriptedAws.start((_, count) =>
        count === 1
          ? queryError(
              'AccessDenied',
              'User: arn:aws:iam::111122223333:user/alex is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/Support',
              403,
            )
          : assumedRole(new Date(Date.now() + 3_600_000).toISOString()),
      )
      setEnvironment({ ...KEYS, AWS_ENDPOINT_URL: aws.url })
      const connection = connectAws(access({ role: { arn: 'arn:aws:iam::111122223333:role/Support' } }))
      const error = await failureOf(connection.credentials())
      assert.equal(error.code, 'permission-denied')
      assert.match(error.message, /sts:AssumeRole on arn:aws:iam::111122223333:role\/Support/)
      assert.equal((await connection.credentials()).accessKeyId, 'ASIAEXAMPLE')
    })
  })
})

function assumedRole(expiration: string): AwsAnswer {
  return {
    type: 'text/xml',
    body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:pgctl</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/Support/pgctl</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>${expiration}</Expiration></Credentials></AssumeRoleResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></AssumeRoleResponse>`,
  }
}
