import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import {
  type ClusterFacts,
  canonicalJson,
  type Fingerprint,
  fingerprintChecks,
  parseFingerprint,
} from '#core/snapshots/fingerprint.ts'
import {
  digestKey,
  keepFingerprint,
  makeFingerprint,
  readFingerprints,
} from '#core/snapshots/io/fingerprints.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const KEY = Buffer.alloc(32, 7)
const SECRETS = [{ name: 'paragon-secrets', keys: ['ENCRYPTION'] }]

function facts(entries: Readonly<Record<string, string>>, values: unknown = {}): ClusterFacts {
  const bytes = Object.entries(entries).map(([name, value]) => [name, Buffer.from(value)] as const)
  return {
    at: 1,
    secrets: new Map([['paragon-secrets', new Map(bytes)]]),
    releases: [{ name: 'paragon-on-prem', chart: 'paragon-on-prem-1.2.3', revision: 7, values }],
  }
}

const BEFORE = { DB_ENCRYPTION_KEY: 'k1', POSTGRES_PASSWORD: 'p1' }
const of = (entries: Readonly<Record<string, string>>): Fingerprint => makeFingerprint(facts(entries), KEY)

function checks(now: Fingerprint | string, points = ['pt-1']) {
  return fingerprintChecks(new Map(points.map((point) => [point, of(BEFORE)])), now, SECRETS)
}

describe('a fingerprint', () => {
  it('holds no value, and none can be guessed without the key', () => {
    const text = JSON.stringify(
      makeFingerprint(facts({ A: 'a secret value' }, { password: 'in the values' }), KEY),
    )
    assert.doesNotMatch(text, /a secret value|in the values/)
    assert.doesNotMatch(text, new RegExp(Buffer.from('a secret value').toString('base64').slice(0, 12)))
    const other = makeFingerprint(facts({ A: 'a secret value' }), Buffer.alloc(32, 8))
    assert.notEqual(
      other.entries['paragon-secrets/A'],
      of({ A: 'a secret value' }).entries['paragon-secrets/A'],
    )
  })

  it('says the same of the same, and does not show that two entries are alike', () => {
    assert.deepEqual(of(BEFORE), of(BEFORE))
    const { entries } = of({ A: 'same', B: 'same' })
    assert.notEqual(entries['paragon-secrets/A'], entries['paragon-secrets/B'])
  })

  it('has one digest for values in whatever order they are written', () => {
    const digest = (values: unknown) =>
      makeFingerprint(facts({}, values), KEY).releases['paragon-on-prem']?.values
    assert.equal(digest({ a: 1, b: { c: [1, 2], d: 2 } }), digest({ b: { d: 2, c: [1, 2] }, a: 1 }))
    assert.notEqual(digest({ a: [1, 2] }), digest({ a: [2, 1] }))
  })

  it('canonical JSON is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value))),
      ),
    )
  })

  it('is kept once, and read with its point', async () => {
    const store = new MemoryStore()
    await keepFingerprint(store, 'w', 'pt-1', of(BEFORE))
    await keepFingerprint(store, 'w', 'pt-1', of({}))
    assert.deepEqual([...(await readFingerprints(store, 'w'))], [['pt-1', of(BEFORE)]])
  })

  it('its key is made once, and one that is spoilt is not replaced', async () => {
    const store = new MemoryStore()
    let drawn = 0
    const random = (length: number) => new Uint8Array(length).fill(++drawn)
    const first = await digestKey(store, 'w', random)
    assert.deepEqual(await digestKey(store, 'w', random), first)
    await store.write('snapshots/w/fingerprint-key', { key: 'short' })
    await assert.rejects(digestKey(store, 'w', random), (error) => isPgctlError(error, 'state-invalid'))
  })

  it('that is no fingerprint is not taken for one', () => {
    for (const wrong of [undefined, {}, { ...of(BEFORE), version: 2 }, { ...of(BEFORE), entries: { a: 1 } }])
      assert.throws(
        () => parseFingerprint(wrong, 'k'),
        (error) => isPgctlError(error, 'state-invalid'),
      )
  })
})

describe('fingerprintChecks', () => {
  it('passes where everything is there, a renewed password included', () => {
    const now = of({ ...BEFORE, POSTGRES_PASSWORD: 'p2', MORE: 'x' })
    assert.deepEqual(checks(now), [
      { set: '', passed: true, says: 'the key secrets of 1 recovery points are there' },
    ])
  })

  it('fails where an entry is gone, whatever it is', () => {
    const [check] = checks(of({ DB_ENCRYPTION_KEY: 'k1' }), ['pt-1', 'pt-2'])
    assert.equal(check?.passed, false)
    assert.match(
      check?.says ?? '',
      /^paragon-secrets\/POSTGRES_PASSWORD is gone: .* 2 recovery points, the newest pt-2/,
    )
  })

  it('fails where a key has another value, as its old one is gone', () => {
    const [check, ...more] = checks(of({ ...BEFORE, DB_ENCRYPTION_KEY: 'k2' }))
    assert.match(check?.says ?? '', /DB_ENCRYPTION_KEY is not what it was/)
    assert.deepEqual([check?.passed, more], [false, []])
  })

  it('fails where the whole secret is gone', () => {
    const none = { ...of({}), entries: {} }
    assert.deepEqual(
      checks(none).map(({ passed }) => passed),
      [false, false],
    )
  })

  it('fails where nobody could look, and asks nothing where nothing was remembered', () => {
    assert.match(checks('denied')[0]?.says ?? '', /could not be looked at: denied/)
    assert.equal(checks('denied')[0]?.passed, false)
    assert.deepEqual(fingerprintChecks(new Map(), 'denied', SECRETS), [])
  })
})
