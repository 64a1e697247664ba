import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { neutralise, neutraliseJson } from '#core/text/neutralise.ts'

describe('neutralise', () => {
  const rows: ReadonlyArray<{ why: string; text: string; want: string }> = [
    { why: 'plain text stays', text: 'GET /healthz 200', want: 'GET /healthz 200' },
    { why: 'a tab is only space', text: 'a\tb', want: 'a\tb' },
    {
      why: 'other scripts and emoji stay',
      text: 'žluťoučký 日本 مرحبا 👩‍💻',
      want: 'žluťoučký 日本 مرحبا 👩‍💻',
    },
    { why: 'a colour is an escape sequence too', text: '\x1b[31mred\x1b[0m', want: '\\x1b[31mred\\x1b[0m' },
    { why: 'a window title', text: '\x1b]0;owned\x07', want: '\\x1b]0;owned\\x07' },
    { why: 'the one-byte CSI of C1', text: '\u009b2J', want: '\\x9b2J' },
    { why: 'a carriage return overwrites what was printed', text: 'ok\rfailed', want: 'ok\\x0dfailed' },
    { why: 'one line stays one line', text: 'a\nb\u2028c', want: 'a\\x0ab\\u2028c' },
    { why: 'backspace and DEL', text: 'a\b\x7f', want: 'a\\x08\\x7f' },
    { why: 'Trojan Source', text: 'user\u202e nimda', want: 'user\\u202e nimda' },
    { why: 'isolates of direction', text: '\u2066x\u2069', want: '\\u2066x\\u2069' },
    { why: 'zero width: two names that look like one', text: 'her\u200bmes', want: 'her\\u200bmes' },
    { why: 'tags, an invisible copy of ASCII', text: 'a\u{e0041}', want: 'a\\u{e0041}' },
    { why: 'half a pair is no text', text: 'a\ud800b', want: 'a\\ud800b' },
  ]
  for (const { why, text, want } of rows) it(why, () => assert.equal(neutralise(text), want))

  it('leaves nothing that a terminal obeys, and is settled after once', () => {
    const byte = fc.integer({ min: 0, max: 0x2fff }).map((code) => String.fromCodePoint(code))
    fc.assert(
      fc.property(
        fc.array(byte).map((parts) => parts.join('')),
        (text) => {
          const safe = neutralise(text)
          for (const character of safe) {
            const code = character.codePointAt(0) as number
            assert.ok(
              code === 9 || (code >= 0x20 && code < 0x7f) || code > 0x9f,
              `U+${code.toString(16)} came through`,
            )
          }
          assert.equal(neutralise(safe), safe)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('neutraliseJson', () => {
  it('hides nothing, and changes no value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = neutraliseJson(JSON.stringify({ text }))
        assert.deepEqual(JSON.parse(json), { text })
        assert.equal(neutralise(json), json)
      }),
      { numRuns: 1_000 },
    )
    assert.equal(neutraliseJson(JSON.stringify('\u009b\u{e0041}')), '"\\u009b\\udb40\\udc41"')
  })
})
