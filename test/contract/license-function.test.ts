import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Context } from 'aws-lambda'
import * as z from 'zod'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { isPgctlError } from '#core/errors.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { licenseIdOf } from '#core/license/installation-id.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import type { VendorRelease } from '#core/vendor/release.ts'
import { LICENSE_SECRET } from '#sandbox/aws/services/secrets-manager.ts'
import { customerOf } from '#sandbox/vendor/customers.ts'
import { Vendor } from '#sandbox/vendor/vendor.ts'
import { WORLD } from '#sandbox/world.ts'
import { wireLicenseFunction } from '../../functions/deps.ts'
import { createHandler } from '../../functions/handler.ts'
import { createLicenseVerify } from '../../functions/license-verify.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

const KEY = 'a-password-of-the-product'
const LICENSE = licenseIdOf(KEY)
const INSTALLATION = `ins-${'ab'.repeat(16)}`
const PARAMETER = '/pgctl/acme/license'

const context = (remaining = 60_000) =>
  ({ awsRequestId: 'req-1', getRemainingTimeInMillis: () => remaining }) as unknown as Context

describe('the function that verifies the license', { timeout: 60_000 }, () => {
  let cloud: TestCloud
  let vendor: Vendor
  let folder: string
  let environment: NodeJS.ProcessEnv
  let lines: string[]
  let runs = 0

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-function-'))
    cloud = await startTestCloud()
    vendor = await Vendor.start({
      clock: systemClock,
      customers: [customerOf(systemClock.now().wall, { license: LICENSE })],
      tls: await cloud.authority.issue({ names: ['localhost'] }),
    })
    await writeFile(join(folder, 'authority.pem'), cloud.authority.certificate)
    // The SDK reads these of the process itself.
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.url,
      AWS_ACCESS_KEY_ID: cloud.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud.operator.secretAccessKey,
    })
  })
  after(async () => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      delete process.env[name]
    await vendor?.[Symbol.asyncDispose]()
    await cloud?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(() => {
    vendor.mode = 'up'
    vendor.received.length = 0
    lines = []
    environment = {
      AWS_REGION: WORLD.region,
      AWS_CA_BUNDLE: join(folder, 'authority.pem'),
      PGCTL_INSTALLATION_ID: INSTALLATION,
      PGCTL_STATE_TABLE: `pgctl-state-${runs++}`,
      PGCTL_LICENSE_PARAMETER: PARAMETER,
      PGCTL_LICENSE_SECRET: LICENSE_SECRET,
      PGCTL_LICENSE_SECRET_FIELD: 'LICENSE',
    }
  })

  const wire = () => wireLicenseFunction(environment, vendor.release() as VendorRelease)
  const sink = { write: (line: string) => void lines.push(line) }
  const invoke = (event: unknown, deps = wire) =>
    createLicenseVerify(deps, { sink })(event as object, context())
  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)

  async function published(): Promise<Record<string, unknown>> {
    const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm')
    const client = new SSMClient({ region: WORLD.region, endpoint: cloud.url })
    const { Parameter } = await client.send(new GetParameterCommand({ Name: PARAMETER }))
    client.destroy()
    return JSON.parse(Parameter?.Value ?? '') as Record<string, unknown>
  }

  const connection = () =>
    connectAws({
      region: WORLD.region,
      environment,
      agents: createOutboundAgents(environment),
      clock: systemClock,
      version: '0.0.0',
    })
  const table = () => createDocumentTable(connection(), environment['PGCTL_STATE_TABLE'] as string)
  const ledger = () =>
    openLedger({ store: table(), installation: INSTALLATION, clock: systemClock, random: systemRandom })

  it('asks by the hash of the key in the secret, keeps the document, and makes the verdict known', async () => {
    await invoke({ trigger: 'boot' })
    const body = JSON.parse(vendor.received[0]?.body ?? '') as Record<string, unknown>
    assert.deepEqual([body['license'], body['sequence'], body['installation']], [LICENSE, 0, INSTALLATION])
    const { verdict, stands, sequence, document, asked } = await published()
    assert.deepEqual([verdict, stands, sequence, asked], ['valid', true, 1, 'answered'])
    assert.match(String(document), /^pgl1\./)
    const review = await ledger().review()
    assert.deepEqual([review.sent.license, review.open, review.faults], [1, [], []])
  })

  it('leaves the secret alone once a document says which license it is', async () => {
    await invoke({ trigger: 'boot' })
    const before = cloud.cloud.calls.since().at(-1)?.number ?? 0
    await invoke({ trigger: 'schedule' })
    const made = cloud.cloud.calls.since(before)
    assert.ok(made.length > 0)
    assert.ok(!JSON.stringify(made).includes('GetSecretValue'))
  })

  it('sums a run up in one line with its figures, and no key is in it', async () => {
    await invoke({ trigger: 'boot' })
    const [line, more] = logged()
    assert.equal(more, undefined)
    assert.deepEqual(
      [
        line?.['msg'],
        line?.['requestId'],
        line?.['verdict'],
        line?.['LicenseStands'],
        line?.['VendorAnswered'],
      ],
      ['done', 'req-1', 'valid', 1, 1],
    )
    const { CloudWatchMetrics } = Object(line?.['_aws']) as {
      CloudWatchMetrics: [{ Metrics: { Name: string }[] }]
    }
    assert.deepEqual(
      CloudWatchMetrics[0].Metrics.map(({ Name }) => Name),
      ['LicenseStands', 'LicenseDaysLeft', 'VendorAnswered'],
    )
    assert.ok(!lines.join('').includes(KEY))
  })

  for (const mode of ['down', 'unknown', 'garbage', 'redirecting', 'forged'] as const)
    it(`publishes the license as it stands while the vendor is ${mode}`, async () => {
      await invoke({ trigger: 'boot' })
      vendor.mode = mode
      await invoke({ trigger: 'schedule' })
      const { verdict, asked } = await published()
      assert.equal(verdict, 'valid')
      assert.notEqual(asked, 'answered')
      assert.equal(logged().at(-1)?.['LicenseStands'], 1)
    })

  it('run twice at once it keeps one ledger and the higher number', async () => {
    await invoke({ trigger: 'boot' })
    vendor.change(LICENSE, { sequence: 2 })
    await Promise.all([invoke({ trigger: 'schedule' }), invoke({ trigger: 'schedule' })])
    vendor.change(LICENSE, { sequence: 1 })
    assert.equal((await published())['sequence'], 2)
    const review = await ledger().review()
    assert.deepEqual([review.sent.license, review.open, review.faults], [3, [], []])
  })

  it('refuses an event that it does not know, and throws it on', async () => {
    await assert.rejects(invoke({ trigger: 'anything', more: 1 }))
    assert.deepEqual([logged()[0]?.['msg'], vendor.received.length], ['failed', 0])
  })

  it('names a variable that is not set', async () => {
    environment['PGCTL_LICENSE_PARAMETER'] = ''
    await assert.rejects(invoke({ trigger: 'boot' }), (error) => isPgctlError(error, 'config-invalid'))
  })

  describe('the table', () => {
    it('is a store: it compares before it sets', async () => {
      const store = table()
      assert.equal(await store.read('a/b'), undefined)
      const version = await store.write('a/b', { n: 1 }, 'absent')
      assert.deepEqual(await store.read('a/b'), { value: { n: 1 }, version })
      for (const expected of ['absent', 'other'])
        await assert.rejects(store.write('a/b', 2, expected), (error) =>
          isPgctlError(error, 'state-conflict'),
        )
      await store.write('a/b', { n: 2 }, version)
      await store.write('a/c', 3)
      assert.deepEqual(await store.list('a/'), ['a/b', 'a/c'])
      await store.remove('a/c')
      assert.deepEqual(await store.list(''), ['a/b'])
    })

    it('says which action is missing', async () => {
      cloud.cloud.state.turn({ deny: ['dynamodb:GetItem'] })
      await assert.rejects(table().read('a'), (error) => {
        assert.ok(isPgctlError(error, 'permission-denied'))
        assert.match(`${error.message} ${error.why} ${error.next}`, /dynamodb:GetItem/)
        return true
      })
      cloud.cloud.state.turn({ deny: [] })
    })
  })
})

describe('the chain of a function', { timeout: 20_000 }, () => {
  const metrics = { namespace: 'pgctl', dimension: 'Function' }
  const lines: string[] = []
  const sink = { write: (line: string) => void lines.push(line) }

  it('aborts with seconds in reserve, so that the end can be written down', async () => {
    const handler = createHandler({
      name: 'slow',
      event: z.object({}),
      metrics,
      sink,
      run: ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('told to end')))),
    })
    await assert.rejects(handler({}, context(5_050)), /told to end/)
    assert.match(lines.at(-1) ?? '', /told to end/)
  })

  it('withholds what is secret by its name', async () => {
    const handler = createHandler({
      name: 'chatty',
      event: z.object({}),
      metrics,
      sink,
      async run({ log }) {
        log.info({ licenseKey: 'S1', nested: { password: 'S2', deep: { token: 'S3' } } }, 'all of it')
        return { fields: {} }
      },
    })
    await handler({}, context())
    assert.doesNotMatch(lines.join(''), /S1|S2|S3/)
  })
})
