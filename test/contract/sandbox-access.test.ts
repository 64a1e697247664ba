/** Who gets into the sandbox: tokens of its cluster, names and origins, and the secret of its administration. */

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, afterEach, before, describe, it } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { WORLD } from '#sandbox/world.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { type ClientOverrides, SdkClients } from '../support/sdk-clients.ts'
import { Sha256 } from '../support/sha256.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

let fixture: TestCloud

before(async () => {
  fixture = await startTestCloud()
})
afterEach(() => {
  fixture.cloud.state.turn(DEFAULT_KNOBS)
})
after(() => fixture[Symbol.asyncDispose]())

describe('EKS tokens', { timeout: 30_000 }, () => {
  async function token(
    overrides: { cluster?: string; secret?: string; at?: Date; action?: string; as?: ClientOverrides } = {},
  ): Promise<string> {
    const signer = new SignatureV4({
      credentials: {
        ...fixture.operator,
        ...overrides.as,
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

  it('takes the token of a role of its account, and of nobody of another', async () => {
    const clients = new SdkClients(fixture)
    const role = await clients.into(GLOBEX)
    const cluster = GLOBEX.cluster.name
    const verdict = fixture.cloud.verifyToken(await token({ cluster, as: role }), GLOBEX)
    assert.ok(verdict.ok)
    assert.match(verdict.identity.arn, new RegExp(`^arn:aws:sts::${GLOBEX.account}:assumed-role/`))
    assert.equal(fixture.cloud.verifyToken(await token({ cluster }), GLOBEX).ok, false)
    assert.equal(fixture.cloud.verifyToken(await token({ as: role })).ok, false)
    clients.destroy()
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

describe('who may speak to the cloud of a sandbox', { timeout: 30_000 }, () => {
  const get = (headers: Record<string, string>, path = '/') =>
    new Promise<number | undefined>((resolve, reject) => {
      request({ host: '127.0.0.1', port: fixture.cloud.port, path, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })

  it('answers only to its own names, with its own port', async () => {
    const { port } = fixture.cloud
    const bucket = `bucket.localhost:${port}`
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, bucket])
      assert.equal(await get({ host }, '/_sandbox/knobs'), 401, host)
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      `127.0.0.1:${port + 1}`,
      '127.0.0.1',
      `localhost.example:${port}`,
    ])
      assert.equal(await get({ host }, '/_sandbox/knobs'), 403, host)
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
