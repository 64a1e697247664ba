import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Context } from 'aws-lambda'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createNoteSigner } from '#core/aws/note-signer.ts'
import { getObject, listObjects, putNewObject } from '#core/aws/objects.ts'
import { ledgerName, readCheckpoint } from '#core/checkpoint/checkpoint.ts'
import { isPgctlError } from '#core/errors.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { signingAlias } from '#core/stack/names.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import { WORLD } from '#sandbox/world.ts'
import { wireCheckpointFunction } from '../../functions/checkpoint-deps.ts'
import { createLedgerCheckpoint } from '../../functions/ledger-checkpoint.ts'
import { startTestCloud, type TestCloud } from '../support/test-cloud.ts'

const INSTALLATION = `ins-${'ab'.repeat(16)}`
const BUCKET = `${WORLD.workspace}-logs`
const context = { awsRequestId: 'req-1', getRemainingTimeInMillis: () => 60_000 } as unknown as Context

describe('the function that signs the ledger', { timeout: 60_000 }, () => {
  let cloud: TestCloud
  let environment: NodeJS.ProcessEnv
  let lines: string[]
  let runs = 0

  before(async () => {
    cloud = await startTestCloud()
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cloud.url,
      AWS_ACCESS_KEY_ID: cloud.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud.operator.secretAccessKey,
    })
  })
  after(async () => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      delete process.env[name]
    await cloud?.[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    lines = []
    environment = {
      AWS_REGION: WORLD.region,
      PGCTL_INSTALLATION_ID: INSTALLATION,
      PGCTL_STATE_TABLE: `pgctl-state-${runs++}`,
      PGCTL_SIGNING_KEY: signingAlias(WORLD.workspace),
      PGCTL_CHECKPOINT_BUCKET: BUCKET,
    }
    cloud.cloud.state.turn({ deny: [] })
  })

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
  const add = (on: boolean) => ledger().append({ event: 'switch', kind: 'analytics', on, trigger: 'person' })
  const invoke = (event: unknown = { trigger: 'schedule' }) =>
    createLedgerCheckpoint(() => wireCheckpointFunction(environment), {
      sink: { write: (line: string) => void lines.push(line) },
    })(event as object, context)
  const summary = () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>
  const notes = () => listObjects(connection(), { bucket: BUCKET, key: `${INSTALLATION}/` })

  it('signs what was added, keeps the note in the bucket under its row, and says that all is whole', async () => {
    await add(false)
    await invoke()
    await add(true)
    await invoke()
    assert.deepEqual([summary()['outcome'], summary()['row'], summary()['LedgerWhole']], ['signed', 2, 1])
    const kept = await notes()
    assert.deepEqual(
      kept.map(({ key }) => key),
      [`${INSTALLATION}/0000000001.note`, `${INSTALLATION}/0000000002.note`],
    )
    const note = Buffer.from(await getObject(connection(), kept[1] as (typeof kept)[1])).toString('utf8')
    const signer = createNoteSigner(connection(), signingAlias(WORLD.workspace))
    const read = readCheckpoint(note, { name: ledgerName(INSTALLATION), publicKey: await signer.publicKey() })
    assert.ok(read.kind === 'signed')
    assert.deepEqual(read.checkpoint.head, await ledger().head())
    await invoke()
    assert.equal(summary()['outcome'], 'unchanged')
  })

  it('refuses a ledger that somebody has written anew, and sets off the alarm', async () => {
    await add(false)
    await invoke()
    const place = `egress/${INSTALLATION}/rows/0000000001`
    const { value } = (await table().read(place)) as { value: { line: string } }
    await table().write(place, { line: value.line.replace('"person"', '"schedule"') })
    await invoke()
    assert.deepEqual([summary()['outcome'], summary()['LedgerWhole']], ['refused', 0])
    assert.match(lines.join(''), /another one than was signed/)
  })

  it('fails, and so is tried again, where the key or the bucket may not be used', async () => {
    await add(false)
    for (const action of ['kms:Sign', 's3:PutObject', 'kms:GetPublicKey']) {
      cloud.cloud.state.turn({ deny: [action] })
      await assert.rejects(invoke(), (error) => isPgctlError(error, 'permission-denied'), action)
    }
    cloud.cloud.state.turn({ deny: [] })
    await invoke()
    assert.equal(summary()['outcome'], 'signed')
  })

  it('never writes over a note that is there', async () => {
    const place = { bucket: BUCKET, key: 'once' }
    await putNewObject(connection(), place, 'first')
    await putNewObject(connection(), place, 'second')
    assert.equal(Buffer.from(await getObject(connection(), place)).toString('utf8'), 'first')
  })

  it('says what is wrong with a key that cannot sign', async () => {
    const signer = createNoteSigner(connection(), WORLD.kmsKeyArn)
    await assert.rejects(signer.publicKey(), (error) => isPgctlError(error, 'encryption-failed'))
    await assert.rejects(signer.sign(Buffer.from('x')), (error) => isPgctlError(error, 'encryption-failed'))
  })

  it('refuses an event that it does not know', async () => {
    await assert.rejects(invoke({ trigger: 'boot' }))
  })
})
