import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { presignDatabaseLogin } from '#core/aws/presign.ts'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { databaseHost, POSTGRES_PORT } from '#sandbox/worlds/datastores.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'

/** A token in place of a database's password: what RDS checks of it, checked by a verifier that shares no code with us. */

const MINUTE = 60_000
const PLACE = { host: databaseHost(ACME, ACME.databases[0]), port: POSTGRES_PORT, user: 'on call+1' }

describe('a token for a database', { timeout: 30_000 }, () => {
  let sandbox: Sandbox
  before(async () => {
    sandbox = await startSandbox({ agent: 'external' })
  })
  after(() => sandbox?.[Symbol.asyncDispose]())

  const sign = (
    change: { now?: number; region?: string; host?: string; port?: number; user?: string } = {},
  ) =>
    presignDatabaseLogin({
      ...PLACE,
      region: ACME.region,
      credentials: { ...sandbox.operator, expires: undefined },
      now: Date.now(),
      ...change,
    })
  const isGood = (token: string, world = ACME as Parameters<Sandbox['cloud']['verifyDatabaseToken']>[2]) =>
    sandbox.cloud.verifyDatabaseToken(token, PLACE, world)

  it('is the signed address of the database itself, without a scheme', async () => {
    const token = await sign()
    assert.ok(token.startsWith(`${PLACE.host}:5432/?`))
    const query = new URL(`https://${token}`).searchParams
    assert.deepEqual([query.get('Action'), query.get('DBUser')], ['connect', PLACE.user])
    assert.equal(query.get('X-Amz-Expires'), '900')
    assert.match(query.get('X-Amz-Credential') ?? '', /\/eu-central-1\/rds-db\/aws4_request$/)
    assert.equal(isGood(token), true)
  })

  it('is good for a quarter of an hour', async () => {
    assert.equal(isGood(await sign({ now: Date.now() - 14 * MINUTE })), true)
    assert.equal(isGood(await sign({ now: Date.now() - 16 * MINUTE })), false)
  })

  it('is good for nothing else: not through an address of a tunnel, for another user or account, or changed', async () => {
    for (const change of [{ host: '127.0.0.1' }, { port: 24_817 }, { user: 'postgres' }])
      assert.equal(isGood(await sign(change)), false, JSON.stringify(change))
    assert.equal(isGood(await sign(), GLOBEX), false)
    const token = await sign()
    assert.equal(isGood(token.replace('on%20call', 'on%20cal1')), false)
    assert.equal(isGood(`${token}&More=1`), false)
  })

  it('carries the token of a role', async () => {
    const credentials = { ...sandbox.operator, sessionToken: 'a/b+c==', expires: undefined }
    const token = await presignDatabaseLogin({ ...PLACE, region: ACME.region, credentials, now: Date.now() })
    assert.equal(new URL(`https://${token}`).searchParams.get('X-Amz-Security-Token'), 'a/b+c==')
  })
})
