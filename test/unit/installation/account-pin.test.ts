import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import {
  type AccessKey,
  checkPin,
  confirmAccount,
  type Identity,
  type IdentityApi,
} from '#core/installation/account-pin.ts'
import type { Store, Stored } from '#core/store.ts'
import { MINUTE, NOW, thrownBy } from './support.ts'

const ACME = { name: 'acme', account: '111122223333', profile: undefined }
const ALEX: Identity = { account: '111122223333', arn: 'arn:aws:sts::111122223333:assumed-role/Support/alex' }
const STRANGER: Identity = { account: '444455556666', arn: 'arn:aws:iam::444455556666:user/alex' }
const KEY: AccessKey = { digest: '0123456789abcdef', expires: NOW + 30 * MINUTE }

function api(identity: Identity, key: AccessKey = KEY) {
  const asked = { count: 0 }
  const port: IdentityApi = {
    key: async () => key,
    caller: async () => {
      asked.count++
      return identity
    },
  }
  return { port, asked }
}

function memoryStore(overrides: Partial<Store> = {}): Store & { documents: Map<string, unknown> } {
  const documents = new Map<string, unknown>()
  return {
    documents,
    read: async (key): Promise<Stored | undefined> =>
      documents.has(key) ? { value: documents.get(key), version: '1' } : undefined,
    write: async (key, value) => {
      documents.set(key, value)
      return '1'
    },
    remove: async () => {},
    list: async () => [],
    readAll: async () => new Map(),
    ...overrides,
  }
}

describe('the account pin', () => {
  it('passes an identity of the pinned account', () => checkPin(ACME, ALEX))

  it('refuses another account, naming both, the caller and what to change', () => {
    const error = thrownBy(() => checkPin({ ...ACME, profile: 'other' }, STRANGER))
    assert.ok(isPgctlError(error, 'account-mismatch'))
    assert.match(error.message, /111122223333.*444455556666/)
    assert.match(error.why ?? '', /arn:aws:iam::444455556666:user\/alex/)
    assert.match(error.next ?? '', /profile other/)
  })

  it('asks once a key, and remembers until the key expires', async () => {
    const { port, asked } = api(ALEX)
    const store = memoryStore()
    for (const now of [NOW, NOW + 29 * MINUTE])
      assert.deepEqual(await confirmAccount(ACME, { api: port, store, now }), ALEX)
    assert.equal(asked.count, 1)
    await confirmAccount(ACME, { api: port, store, now: NOW + 30 * MINUTE })
    assert.equal(asked.count, 2)
  })

  it('asks again when the key is another one', async () => {
    const store = memoryStore()
    const first = api(ALEX)
    const second = api(ALEX, { ...KEY, digest: 'fedcba9876543210' })
    for (const { port } of [first, second]) await confirmAccount(ACME, { api: port, store, now: NOW })
    assert.deepEqual([first.asked.count, second.asked.count], [1, 1])
    assert.deepEqual([...store.documents.keys()], ['identity/0123456789abcdef', 'identity/fedcba9876543210'])
  })

  it('remembers a key without an end for a day', async () => {
    const { port, asked } = api(ALEX, { ...KEY, expires: undefined })
    const store = memoryStore()
    for (const now of [NOW, NOW + 24 * 60 * MINUTE - 1, NOW + 24 * 60 * MINUTE])
      await confirmAccount(ACME, { api: port, store, now })
    assert.equal(asked.count, 2)
  })

  it('refuses a remembered identity that is not of this account, without asking', async () => {
    const { port, asked } = api(ALEX)
    const store = memoryStore()
    await confirmAccount(ACME, { api: port, store, now: NOW })
    await assert.rejects(
      confirmAccount({ ...ACME, account: '444455556666' }, { api: port, store, now: NOW }),
      (error) => isPgctlError(error, 'account-mismatch'),
    )
    assert.equal(asked.count, 1)
  })

  it('does not remember an identity that was refused', async () => {
    const { port, asked } = api(STRANGER)
    const store = memoryStore()
    for (let time = 0; time < 2; time++)
      await assert.rejects(confirmAccount(ACME, { api: port, store, now: NOW }), (error) =>
        isPgctlError(error, 'account-mismatch'),
      )
    assert.equal(asked.count, 2)
    assert.equal(store.documents.size, 0)
  })

  for (const memory of [
    null,
    7,
    'text',
    {},
    { ...ALEX },
    { ...ALEX, until: 'soon' },
    { arn: ALEX.arn, until: NOW * 2 },
  ]) {
    it(`takes ${JSON.stringify(memory)} for no memory`, async () => {
      const { port, asked } = api(ALEX)
      const store = memoryStore()
      store.documents.set('identity/0123456789abcdef', memory)
      assert.deepEqual(await confirmAccount(ACME, { api: port, store, now: NOW }), ALEX)
      assert.equal(asked.count, 1)
    })
  }

  it('does without a memory that cannot be read or written', async () => {
    const broken = () => Promise.reject(new PgctlError('state-invalid', 'not JSON'))
    const { port } = api(ALEX)
    const store = memoryStore({ read: broken, write: broken })
    assert.deepEqual(await confirmAccount(ACME, { api: port, store, now: NOW }), ALEX)
  })

  it('passes on what the request failed with', async () => {
    const expired = new PgctlError('credentials-expired', 'expired')
    const port: IdentityApi = { key: async () => KEY, caller: () => Promise.reject(expired) }
    await assert.rejects(confirmAccount(ACME, { api: port, store: memoryStore(), now: NOW }), expired)
  })
})
