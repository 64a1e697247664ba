import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { openSeal, SEALS, type SealKind } from '#core/license/seal.ts'
import { parseStrictJson } from '#core/license/strict-json.ts'
import { seal, sealBytes } from '#sandbox/vendor/keys.ts'
import { documentFields, FIRST, issue, SECOND, STRANGER, TRUST, trustIn } from '../../support/licenses.ts'

const bytes = (text: string) => Buffer.from(text)
const signedText = (payload: string) => sealBytes('document', FIRST, bytes(payload))
const open = (text: string) => openSeal(text, 'document', TRUST.keys)
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('a signed text', () => {
  it('opens with the key that signed it, whichever place that has', () => {
    const opened = openSeal(issue({}, SECOND), 'document', trustIn(FIRST, SECOND).keys)
    assert.ok(opened.kind === 'genuine')
    assert.equal(opened.key.kid, 'key-2')
    assert.equal(opened.payload['lic'], documentFields()['lic'])
  })

  it('opens no more with any one bit of it changed', () => {
    const text = issue()
    const characters = bytes(text)
    for (let bit = 0; bit < characters.length * 8; bit++) {
      const changed = Buffer.from(characters)
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      assert.notEqual(open(changed.toString('latin1')).kind, 'genuine', `bit ${bit}`)
    }
  })

  it('opens no more when it is cut anywhere', () => {
    const text = issue()
    for (let length = 0; length < text.length; length++)
      assert.notEqual(open(text.slice(0, length)).kind, 'genuine', `${length} characters`)
  })

  it('never throws, and is never genuine, for any other text (property)', () => {
    const part = fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 100 })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(part, part).map(([a, b]) => `pgl1.${a}.${b}`),
        ),
        (text) => {
          assert.notEqual(open(text).kind, 'genuine')
        },
      ),
    )
  })

  it('of one kind is none of another, though the key is the same', () => {
    const kinds = Object.keys(SEALS) as SealKind[]
    for (const made of kinds)
      for (const read of kinds) {
        const text = seal(made, FIRST, documentFields()).replace(/^\w+/, SEALS[read].word)
        assert.equal(openSeal(text, read, TRUST.keys).kind, made === read ? 'genuine' : 'tampered')
      }
  })

  it('by another key of the same name is tampered', () =>
    assert.equal(open(issue({}, STRANGER)).kind, 'tampered'))

  it('by a key under another name is tampered: the name is part of what is signed', () =>
    assert.equal(open(issue({}, { ...FIRST, kid: 'key-9' })).kind, 'tampered'))

  const unreadable: ReadonlyArray<readonly [what: string, text: string, why: RegExp]> = [
    ['nothing', '', /does not begin/],
    ['another word', issue().replace('pgl1', 'pgl2'), /does not begin/],
    ['two parts', issue().split('.').slice(0, 2).join('.'), /2 parts/],
    ['four parts', `${issue()}.AA`, /4 parts/],
    ['padding', `${issue()}=`, /base64url/],
    ['a line end', `${issue()}\n`, /base64url/],
    ['a short signature', issue().slice(0, -2), /bytes instead of 64/],
    ['too many characters', `pgl1.${'A'.repeat(16_384)}.AA`, /longer than/],
    ['a name twice', signedText('{"v":1,"kid":"key-1","exp":1,"exp":2}'), /"exp" stands there twice/],
    ['a name twice, once escaped', signedText('{"v":1,"kid":"key-1","exp":1,"\\u0065xp":2}'), /twice/],
    ['no JSON', signedText('{"v":1,'), /not JSON/],
    ['a byte order mark', sealBytes('document', FIRST, Buffer.from('\ufeff{"v":1}')), /not JSON/],
    ['bytes that are not UTF-8', sealBytes('document', FIRST, Uint8Array.of(0x22, 0xff, 0x22)), /UTF-8/],
    ['a list', signedText('[1]'), /no fields/],
    ['a critical field', issue({ crit: ['seats'], seats: 4 }), /without knowing \["seats"\]/],
    ['a critical field that is no list', issue({ crit: 'seats' }), /without knowing/],
    ['another version', issue({ v: 2 }), /version is 2/],
    ['the name of another key', issue({ kid: 'key-7' }), /names the key "key-7"/],
  ]
  for (const [what, text, why] of unreadable)
    it(`with ${what} is unreadable`, () => {
      const opened = open(text)
      assert.ok(opened.kind === 'unreadable', opened.kind)
      assert.match(opened.why, why)
    })

  it('has one spelling: the bits behind the last byte are clear', () => {
    const [word, payload, signature = ''] = issue().split('.')
    const last = ALPHABET.indexOf(signature.at(-1) as string)
    const other = `${signature.slice(0, -1)}${ALPHABET[last ^ 1]}`
    assert.deepEqual(Buffer.from(other, 'base64url'), Buffer.from(signature, 'base64url'))
    assert.equal(open([word, payload, other].join('.')).kind, 'unreadable')
  })
})

describe('strict JSON', () => {
  it('reads what JSON.parse reads, where no name is doubled (property)', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const parsed = parseStrictJson(bytes(text))
        assert.ok(parsed.ok)
        assert.deepEqual(parsed.value, JSON.parse(text))
      }),
    )
  })

  it('finds a doubled name wherever it stands (property)', () => {
    const around = fc.json({ maxDepth: 2 })
    fc.assert(
      fc.property(fc.string(), around, around, (name, before, behind) => {
        const key = JSON.stringify(name)
        const text = `[${before},{${key}:${before},${key}:${behind}},${behind}]`
        assert.ok(!parseStrictJson(bytes(text)).ok)
      }),
    )
  })

  it('allows one name in two objects, and commas and braces in texts', () => {
    const text = '[{"a":"{,\\"a\\":"},{"a":[{"a":1}]}]'
    assert.deepEqual(parseStrictJson(bytes(text)), { ok: true, value: JSON.parse(text) })
  })

  it('refuses what is nested too deeply', () =>
    assert.ok(!parseStrictJson(bytes('['.repeat(20) + ']'.repeat(20))).ok))
})
