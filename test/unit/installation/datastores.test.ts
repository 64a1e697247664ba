import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type FoundDatastore, nameDatastores } from '#core/installation/datastores.ts'
import { resourceNames } from '#core/installation/discovery.ts'
import { matchName } from '#core/installation/resource-names.ts'
import { PARAGON } from '../../support/product-profile.ts'
import { datastore } from './support.ts'

const PATTERNS = resourceNames(PARAGON, 'ws').datastores

function found(id: string, values: Partial<FoundDatastore> = {}): FoundDatastore {
  return datastore({ ...values, id })
}
const redis = (id: string) => found(id, { engine: 'redis' })

describe('a pattern of names', () => {
  for (const [name, pattern, part] of [
    ['ws', 'ws', ''],
    ['ws-hermes', 'ws', undefined],
    ['ws-hermes', 'ws-*', 'hermes'],
    ['ws-', 'ws-*', undefined],
    ['ws-a-b', 'ws-*-b', 'a'],
    ['ws-b', 'ws-*-b', undefined],
    ['other', '*', 'other'],
    ['ws.hermes', 'ws-*', undefined],
  ] as const)
    it(`${pattern} ${part === undefined ? 'does not fit' : 'fits'} ${name}`, () =>
      assert.equal(matchName(name, [pattern]), part))

  it('gives back what stood for the star', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), fc.string(), (before, part, after) => {
        fc.pre(!`${before}${after}`.includes('*'))
        assert.equal(matchName(before + part + after, [`${before}*${after}`]), part)
      }),
    )
  })
})

describe('the names of datastores', () => {
  for (const [why, stores, names] of [
    ['one of an engine bears its name', [found('ws'), redis('ws-redis')], ['postgres', 'redis']],
    [
      'one alone does, whatever it is called',
      [found('ws-hermes'), redis('ws-redis-queue')],
      ['postgres', 'redis'],
    ],
    [
      'of several each has its own',
      [found('ws-zeus'), found('ws-hermes'), redis('ws-redis-queue'), redis('ws-redis-system')],
      ['postgres-hermes', 'postgres-zeus', 'redis-queue', 'redis-system'],
    ],
    [
      'one without a name of its own among several has its identifier',
      [found('ws'), found('ws-hermes')],
      ['postgres-ws', 'postgres-hermes'],
    ],
    [
      'a replica leaves the bare name to what it follows',
      [found('ws'), found('ws-reader', { topology: 'replica' })],
      ['postgres', 'postgres-reader'],
    ],
    ['a replica alone has no bare name', [found('ws-reader', { topology: 'replica' })], ['postgres-reader']],
    ['none', [], []],
  ] as const)
    it(why, () =>
      assert.deepEqual(
        nameDatastores(stores, PATTERNS).map(({ name }) => name),
        names,
      ),
    )

  it('are never the same twice, and none is lost', () => {
    const store = fc.record({
      id: fc.constantFrom('ws', 'ws-a', 'ws-b', 'ws-redis', 'ws-redis-a', 'ws-ws', 'other'),
      engine: fc.constantFrom('postgres', 'redis', 'kafka'),
      topology: fc.constantFrom('instance', 'cluster', 'replica'),
    } as const)
    const stores = fc.uniqueArray(store, { selector: ({ id, engine }) => `${engine} ${id}`, maxLength: 12 })
    fc.assert(
      fc.property(stores, (values) => {
        const named = nameDatastores(
          values.map((each) => datastore(each)),
          PATTERNS,
        )
        assert.equal(new Set(named.map(({ name }) => name)).size, values.length)
        for (const engine of ['postgres', 'redis', 'kafka']) {
          const writable = values.filter((each) => each.engine === engine && each.topology !== 'replica')
          const bare = named.filter(({ name }) => name === engine)
          assert.equal(bare.length, writable.length === 1 ? 1 : 0)
        }
      }),
    )
  })
})
