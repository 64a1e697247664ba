import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PgctlError } from '#core/errors.ts'
import { namesIn, recallNames, rememberNames } from '#core/installation/known-names.ts'
import { MemoryStore } from '../../support/memory-store.ts'
import { datastore, inventory, NOW } from './support.ts'

const PLACE = { account: '111122223333', region: 'eu-central-1', workspace: 'Paragon-acme' }
const DAY = 24 * 60 * 60_000
const NOTHING = { datastores: [], contents: undefined }
const CONTENTS = { services: ['hermes'], monitors: ['grafana'] }

describe('the names that were found last', () => {
  it('are those of an inventory, each engine that could be read in full', () => {
    const seen = inventory({
      datastores: [datastore(), datastore({ engine: 'redis', name: 'redis-queue' })],
      contents: CONTENTS,
      unreadable: [{ part: 'redis', action: 'a', error: new PgctlError('permission-denied', 'no') }],
    })
    assert.deepEqual(namesIn(seen, ['postgres', 'redis', 'kafka']), {
      datastores: { postgres: ['postgres'], kafka: [] },
      contents: CONTENTS,
    })
    assert.deepEqual(namesIn(seen, ['postgres']).datastores, { postgres: ['postgres'] })
  })

  it('are remembered kind by kind, so that a look at one leaves the others', async () => {
    const store = new MemoryStore()
    await rememberNames(store, PLACE, { datastores: { postgres: ['postgres'] }, contents: CONTENTS }, NOW)
    await rememberNames(store, PLACE, { datastores: { redis: ['redis'] } }, NOW + 1)
    assert.deepEqual(await recallNames(store, PLACE, NOW + 2), {
      datastores: ['postgres', 'redis'],
      contents: CONTENTS,
    })
  })

  it('are those of the last look, one that found nothing included', async () => {
    const store = new MemoryStore()
    await rememberNames(store, PLACE, { datastores: { postgres: ['postgres'] } }, NOW)
    await rememberNames(store, PLACE, { datastores: { postgres: [] } }, NOW)
    assert.deepEqual(await recallNames(store, PLACE, NOW), NOTHING)
  })

  it('are forgotten after a week, each by its own age', async () => {
    const store = new MemoryStore()
    await rememberNames(store, PLACE, { datastores: { postgres: ['postgres'] }, contents: CONTENTS }, NOW)
    await rememberNames(store, PLACE, { datastores: { redis: ['redis'] } }, NOW + DAY)
    assert.deepEqual((await recallNames(store, PLACE, NOW + 7 * DAY - 1)).datastores, ['postgres', 'redis'])
    assert.deepEqual(await recallNames(store, PLACE, NOW + 7 * DAY), {
      datastores: ['redis'],
      contents: undefined,
    })
  })

  it("are one installation's own", async () => {
    const store = new MemoryStore()
    await rememberNames(store, PLACE, { datastores: { postgres: ['postgres'] } }, NOW)
    assert.deepEqual(await recallNames(store, { ...PLACE, region: 'us-east-1' }, NOW), NOTHING)
  })

  for (const document of [
    null,
    'text',
    { postgres: 'x' },
    { postgres: { value: [1], at: NOW } },
    { contents: { value: 3, at: NOW } },
  ])
    it(`are none where the document is ${JSON.stringify(document)}`, async () => {
      const store = new MemoryStore()
      await store.write('names/111122223333/eu-central-1/paragon-acme', document)
      assert.deepEqual(await recallNames(store, PLACE, NOW), NOTHING)
    })

  it('are written over a document that cannot be read, and a computer that cannot remember fails nothing', async () => {
    class Spoilt extends MemoryStore {
      override async read(): Promise<never> {
        throw new PgctlError('state-invalid', 'not JSON')
      }
    }
    const spoilt = new Spoilt()
    assert.deepEqual(await recallNames(spoilt, PLACE, NOW), NOTHING)
    await rememberNames(spoilt, PLACE, { datastores: { postgres: ['postgres'] } }, NOW)
    assert.equal(spoilt.documents.size, 1)
    class Full extends MemoryStore {
      override async write(): Promise<never> {
        throw new PgctlError('state-invalid', 'the disk is full')
      }
    }
    await rememberNames(new Full(), PLACE, { datastores: { postgres: [] } }, NOW)
  })

  it('are written again where another process was quicker', async () => {
    let busy = 2
    class Busy extends MemoryStore {
      override async write(...given: Parameters<MemoryStore['write']>): Promise<string> {
        if (busy-- > 0) throw new PgctlError('state-conflict', 'changed')
        return super.write(...given)
      }
    }
    const store = new Busy()
    await rememberNames(store, PLACE, { datastores: { postgres: ['postgres'] } }, NOW)
    assert.deepEqual((await recallNames(store, PLACE, NOW)).datastores, ['postgres'])
  })
})
