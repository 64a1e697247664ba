import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseFlatJson } from '#core/logs/formats/flat-json.ts'
import { parseAnyJson } from '#core/logs/formats/json.ts'

/** Names with a meaning, of fields, that look like numbers, of the language, and with escapes. */
const NAME = fc.oneof(
  fc.constantFrom(
    'level',
    'msg',
    'message',
    'time',
    'pid',
    'err',
    'error',
    'stack',
    'req',
    'a',
    'b',
    '1',
    '',
  ),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'say "a"', 'ž', 'a.b', 'a:b'),
  fc.string({ maxLength: 4 }),
)
const SCALAR = fc.oneof(
  fc.constantFrom(30, 50, 'info', 'ERROR', '', 'a b', 'x="y"', 'tab\t', 'žluť', '\u007f', null, true, false),
  fc.constantFrom(0, -0, 1e21, 1e-7, 0.1, 1.5, -2.25, 123456789012345, 1234567890123456, 100.0001),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ maxLength: 12 }),
)
const VALUE = fc.oneof(
  { weight: 4, arbitrary: SCALAR },
  { weight: 1, arbitrary: fc.array(SCALAR, { maxLength: 2 }) },
  {
    weight: 2,
    arbitrary: fc.dictionary(NAME, fc.oneof(SCALAR, fc.dictionary(NAME, SCALAR)), { maxKeys: 3 }),
  },
)
const MEMBERS = fc.array(fc.tuple(NAME, VALUE), { maxLength: 8 })
/** A name may be there twice, and there are spaces where some loggers put them. */
const LINE = fc
  .tuple(MEMBERS, fc.constantFrom(['', ''], [' ', ' '], [' ', ''], ['  ', '']))
  .map(([members, [colon, comma]]) => {
    const written = members.map(([name, value]) => `${JSON.stringify(name)}:${colon}${JSON.stringify(value)}`)
    return `{${written.join(`,${comma}`)}}`
  })

/** The same lines, each of them damaged in one place. */
const DAMAGED = fc
  .tuple(LINE, fc.nat(), fc.constantFrom('', '"', ',', '}', '{', '\\', ' ', '\u0000', '0', '.', 'x', 'ž'))
  .map(([line, at, what]) => {
    const place = at % line.length
    return line.slice(0, place) + what + line.slice(place + 1)
  })

function agrees(text: string): void {
  const quick = parseFlatJson(text)
  if (quick === undefined) return
  const { isPrintable, ...record } = quick
  assert.equal(isPrintable, true)
  assert.deepEqual(record, parseAnyJson(text))
  assert.match(JSON.stringify(Object.values(record)), /^[ -~]*$/)
}

describe('parseFlatJson', () => {
  it('says what the whole reader says, or nothing (property)', () => {
    fc.assert(fc.property(LINE, agrees), { numRuns: 2_000 })
  })

  it('also of what is no JSON (property)', () => {
    fc.assert(fc.property(DAMAGED, agrees), { numRuns: 2_000 })
  })

  for (const { why, text } of [
    { why: 'pino', text: '{"level":30,"time":1795633549278,"req":{"method":"GET"},"ms":0.25,"msg":"done"}' },
    { why: 'with spaces', text: '{"level": "info", "ok": true, "none": null, "msg": "done"}' },
    { why: 'empty', text: '{}' },
  ])
    it(`reads what loggers write: ${why}`, () => {
      assert.ok(parseFlatJson(text))
      agrees(text)
    })

  it('keeps its place when lines of several forms alternate', () => {
    const lines = [
      '{"level":30,"a":1,"b":{"c":2},"msg":"x"}',
      '{"level":30,"b":{"d":2,"c":3},"a":1}',
      '{"msg":"y","a":"z"}',
    ]
    for (let turn = 0; turn < 9; turn++) {
      const text = lines[turn % lines.length] as string
      assert.ok(parseFlatJson(text))
      agrees(text)
    }
  })

  it('remembers names up to a bound, and reads on beyond it', () => {
    for (let index = 0; index < 2_000; index++) agrees(`{"name${index}":${index},"msg":"x"}`)
    assert.ok(parseFlatJson('{"level":30,"msg":"done"}'))
  })

  it('leaves to the whole reader what it cannot say exactly', () => {
    for (const text of [
      '{"a":1.0}',
      '{"a":1e3}',
      '{"a":-0}',
      '{"a":12345678901234567}',
      '{"a":"\\n"}',
      '{"a":1,"a":2}',
      '{"1":1}',
      '{"err":{"message":"x"}}',
      '{"a":[1]}',
      '{"a":{"b":{}}}',
      '{"a":"ž"}',
      '{"a":1} ',
      '{"a":1',
      '[1]',
      '',
    ])
      assert.equal(parseFlatJson(text), undefined, text)
  })
})
