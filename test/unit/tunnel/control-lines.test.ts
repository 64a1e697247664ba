import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError } from '#core/errors.ts'
import {
  CONTROL_PROTOCOL,
  encodeLine,
  kinship,
  LineReader,
  parseAnswer,
  parseHello,
  parseWelcome,
  versionSkew,
} from '#core/tunnel/control/lines.ts'

const violation = (error: unknown) => isPgctlError(error, 'protocol-violation')
const HELLO = { pgctl: 1, version: '0.1.0', nonce: 'n' }
const WELCOME = { ...HELLO, pid: 7, proof: 'p' }

describe('lines of the control socket', { timeout: 20_000 }, () => {
  it('are read the same, wherever what arrives is split', () => {
    const object = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean()),
    )
    fc.assert(
      fc.property(fc.array(object), fc.array(fc.nat()), (objects, cuts) => {
        const bytes = Buffer.from(objects.map(encodeLine).join(''))
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
        const reader = new LineReader()
        const read = [...places, bytes.length].flatMap((place, at) =>
          reader.feed(bytes.subarray(places[at - 1] ?? 0, place)),
        )
        assert.deepEqual(read, JSON.parse(JSON.stringify(objects)))
      }),
    )
  })

  for (const [why, line] of [
    ['no JSON', 'hello\n'],
    ['no object', '[1]\n'],
    ['nothing', 'null\n'],
    ['no end', 'x'.repeat(1024 * 1024 + 1)],
  ] as const)
    it(`refuses ${why}`, () => assert.throws(() => new LineReader().feed(Buffer.from(line)), violation))

  for (const [why, line] of [
    ['no version', { pgctl: 1, nonce: 'n' }],
    ['a protocol that is no number', { ...HELLO, pgctl: '1' }],
    ['an empty nonce', { ...HELLO, nonce: '' }],
  ] as const)
    it(`takes no hello with ${why}`, () => assert.throws(() => parseHello(line), violation))

  it('takes a welcome of a later version that says more', () => {
    assert.deepEqual(parseWelcome({ ...WELCOME, pgctl: 2, more: true }), { ...WELCOME, pgctl: 2 })
    assert.throws(() => parseWelcome(HELLO), violation)
  })

  it('tells events, results and errors apart, and takes nothing else', () => {
    assert.deepEqual(parseAnswer({ event: 1 }), { event: 1 })
    assert.deepEqual(parseAnswer({ result: null }), { result: null })
    const error = { code: 'usage', message: 'no', next: 'yes' }
    assert.deepEqual(parseAnswer({ error }), { error })
    for (const line of [{}, { error: null }, { error: { code: 'usage' } }])
      assert.throws(() => parseAnswer(line), violation)
  })
})

describe('two versions of pgctl', () => {
  const own = { pgctl: CONTROL_PROTOCOL, version: '0.2.0' }
  for (const [other, kin, next] of [
    [own, 'same', undefined],
    [{ ...own, version: '0.1.0' }, 'cousins', /pgctl tunnel stop --all$/],
    [{ ...own, version: '0.3.0' }, 'cousins', /pgctl tunnel stop --all$/],
    [{ ...own, pgctl: CONTROL_PROTOCOL + 1 }, 'strangers', /kill 7$/],
  ] as const)
    it(`${own.version} and ${other.version}, protocol ${other.pgctl}: ${kin}`, () => {
      assert.equal(kinship(own, other), kin)
      if (next === undefined) return
      const { message, next: advice } = versionSkew(own.version, { ...other, pid: 7 }, kin)
      assert.match(
        message,
        new RegExp(`held by pgctl ${other.version} \\(process 7\\), and this is pgctl 0.2.0$`),
      )
      assert.match(advice ?? '', next)
    })
})
