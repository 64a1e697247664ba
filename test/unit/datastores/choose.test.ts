import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chooseDatastore, type DatastoreWish } from '#core/datastores/choose.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import { datastore } from '../installation/support.ts'

const WISH: DatastoreWish = { engine: 'postgres', name: undefined, reader: false, command: 'pgctl psql' }
const one = (name: string, values: Partial<Datastore> = {}) =>
  datastore({ name, id: `ws-${name}`, ...values })
const SEVERAL = [one('postgres-hermes'), one('postgres-zeus'), one('redis', { engine: 'redis' })]

const chosen = (stores: readonly Datastore[], wish: Partial<DatastoreWish> = {}) =>
  chooseDatastore(stores, [], { ...WISH, ...wish }).name

describe('the datastore that is meant', () => {
  for (const [why, stores, wish, wanted] of [
    ['is the only one of its engine', [one('postgres'), one('redis', { engine: 'redis' })], {}, 'postgres'],
    ['is named in full', SEVERAL, { name: 'postgres-zeus' }, 'postgres-zeus'],
    ['is named by what tells it apart', SEVERAL, { name: 'Zeus' }, 'postgres-zeus'],
    ["is named by the provider's identifier", SEVERAL, { name: 'ws-postgres-zeus' }, 'postgres-zeus'],
    [
      'is a member of the only cluster there is, whose own address is asked for then',
      [
        one('postgres-one', { topology: 'cluster', access: { cluster: 'ws' } }),
        one('postgres-two', { topology: 'cluster', access: { cluster: 'ws' } }),
      ],
      {},
      'postgres-one',
    ],
    [
      'is a member of the cluster that is named',
      [one('postgres-zeus'), one('postgres-one', { topology: 'cluster', access: { cluster: 'ws-hermes' } })],
      { name: 'ws-hermes', reader: true },
      'postgres-one',
    ],
    [
      'is never a replica without a word',
      [one('postgres'), one('postgres-reader', { topology: 'replica' })],
      {},
      'postgres',
    ],
  ] as const)
    it(why, () => assert.equal(chosen(stores, wish), wanted))

  for (const [why, stores, wish, code, next] of [
    ['is none of several', SEVERAL, {}, 'ambiguous-name', /name one: pgctl psql postgres-hermes/],
    ['is misspelt', SEVERAL, { name: 'hermse' }, 'target-unknown', /did you mean postgres-hermes/],
    ['is none at all', [], {}, 'target-unknown', /pgctl status/],
    ['is of another engine', SEVERAL, { name: 'redis' }, 'target-unknown', /name one/],
    ['has no reader', SEVERAL, { name: 'zeus', reader: true }, 'target-unknown', /leave out --reader/],
  ] as const)
    it(`${why}: that is an error with a way on`, () =>
      assert.throws(
        () => chosen(stores, wish),
        (error) => isPgctlError(error, code) && next.test(error.next ?? ''),
      ))

  it('could not be looked for: that refusal says more than that there is none', () => {
    const error = new PgctlError('permission-denied', 'not allowed: rds:DescribeDBInstances')
    const unreadable = [{ part: 'postgres', action: 'rds:DescribeDBInstances', error }] as const
    assert.throws(() => chooseDatastore([], unreadable, WISH), error)
  })
})

describe('a reader', () => {
  const replica = one('postgres-copy', { topology: 'replica', access: { follows: 'ws-postgres' } })
  it('is what follows it', () =>
    assert.equal(chosen([one('postgres'), replica], { reader: true }), 'postgres-copy'))

  it('is itself by an address of its own for readers', () => {
    const readers = [{ host: 'ro.example', port: 6379 }]
    const store = one('redis', { engine: 'redis', access: { readers } })
    const found = chooseDatastore([store], [], { ...WISH, engine: 'redis', reader: true })
    assert.deepEqual([found.name, found.endpoints], ['redis', readers])
  })

  it('is itself where it is one', () =>
    assert.equal(chosen([replica], { name: 'copy', reader: true }), 'postgres-copy'))
})
