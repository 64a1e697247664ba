import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { findLogin } from '#core/datastores/login.ts'
import { PARAGON } from '../../support/product-profile.ts'

const HOST = 'ws-hermes.abc.eu-central-1.rds.amazonaws.com'
const { postgres, redis } = PARAGON.logins
const part = (name: string, host: string, user = 'u') => ({
  [`${name}_POSTGRES_HOST`]: host,
  [`${name}_POSTGRES_PORT`]: '5432',
  [`${name}_POSTGRES_USERNAME`]: user,
  [`${name}_POSTGRES_PASSWORD`]: `p-${name}-${user}`,
  [`${name}_POSTGRES_DATABASE`]: 'd',
})
const found = (entries: Record<string, string>, user?: string, hosts = [HOST]) =>
  findLogin(new Map(Object.entries(entries)), postgres, { hosts, user })

describe('the login of a database', () => {
  it('is that whose host is its own, whatever its entries are called', () =>
    assert.deepEqual(found({ ...part('ZEUS', 'other.example'), ...part('EVENT_LOGS', HOST.toUpperCase()) }), {
      user: 'u',
      password: 'p-EVENT_LOGS-u',
      database: 'd',
      from: 'EVENT_LOGS_POSTGRES_PASSWORD',
    }))

  it('is the first of several, by their names, so that it is the same every time', () =>
    assert.equal(
      found({ ...part('PHEME', HOST), ...part('HERMES', HOST) })?.from,
      'HERMES_POSTGRES_PASSWORD',
    ))

  it('is that of the user who is asked for', () => {
    const entries = { ...part('HERMES', HOST, 'a'), ...part('PHEME', HOST, 'b') }
    assert.equal(found(entries, 'b')?.password, 'p-PHEME-b')
    assert.equal(found(entries, 'c'), undefined)
  })

  it('is that of older charts, which have one for all', () => {
    const entries = {
      POSTGRES_HOST: HOST,
      POSTGRES_USER: 'u',
      POSTGRES_PASSWORD: 'p',
      POSTGRES_DATABASE: 'd',
    }
    assert.deepEqual(found(entries), { user: 'u', password: 'p', database: 'd', from: 'POSTGRES_PASSWORD' })
  })

  it('may be kept under the address of what a replica follows', () =>
    assert.equal(found(part('HERMES', HOST), undefined, ['replica.example', HOST])?.user, 'u'))

  it('is none without a password, or at another host', () => {
    const { HERMES_POSTGRES_PASSWORD: _, ...rest } = part('HERMES', HOST)
    assert.equal(found(rest), undefined)
    assert.equal(found({ ...rest, HERMES_POSTGRES_PASSWORD: '' }), undefined)
    assert.equal(found(part('HERMES', `${HOST}.evil.example`)), undefined)
    assert.equal(found({}), undefined)
  })
})

describe('the login of a cache', () => {
  const at = (url: string, more: Record<string, string> = {}) =>
    findLogin(new Map(Object.entries({ QUEUE_REDIS_URL: url, ...more })), redis, { hosts: ['q.example'] })

  for (const [url, wanted] of [
    ['q.example:6379', undefined],
    ['redis://q.example:6379', undefined],
    ['rediss://:se%2Fcret@Q.example:6379/0', { user: undefined, password: 'se/cret' }],
    ['redis://ann:pw@q.example', { user: 'ann', password: 'pw' }],
    ['not an address', undefined],
    ['', undefined],
  ] as const)
    it(`is read from ${url || 'nothing'}`, () => {
      const login = at(url)
      assert.deepEqual(login && { user: login.user, password: login.password }, wanted)
    })

  it('is the entry beside it before the one within', () => {
    const login = at('redis://:within@q.example', { QUEUE_REDIS_PASSWORD: 'beside' })
    assert.deepEqual([login?.password, login?.from], ['beside', 'QUEUE_REDIS_PASSWORD'])
  })

  it('is read from any text without a throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        at(text)
      }),
    )
  })
})
