import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineCutter, LONGEST_LINE } from '#core/audit/lines.ts'
import { formatPlace, HEAD_BYTES, headOf, inOrder, parsePlace, startIn } from '#core/audit/places.ts'
import { parseRecordHeader } from '#core/audit/record.ts'

const bytes = (text: string) => Buffer.from(text)

describe("a line of the audit's log", () => {
  const cases: [line: string, want: ReturnType<typeof parseRecordHeader>][] = [
    [
      'type=SYSCALL msg=audit(1170021601.343:296): arch=c000003e',
      { at: 1_170_021_601_343, event: '1170021601.343:296', last: false },
    ],
    [
      'type=PROCTITLE msg=audit(1170021601.343:296): proctitle="(systemd)"',
      { at: 1_170_021_601_343, event: '1170021601.343:296', last: true },
    ],
    [
      'node=web1 type=UNKNOWN[1420] msg=audit(1.002:3): ',
      { at: 1_002, event: 'node=web1 1.002:3', last: false },
    ],
    ['78 res=1', undefined],
    ['type=SYSCALL msg=audit(1170021601:296): no millis', undefined],
    ['', undefined],
  ]
  for (const [line, want] of cases)
    it(`says of ${JSON.stringify(line.slice(0, 40))} when and which`, () =>
      assert.deepEqual(parseRecordHeader(line), want))
})

describe('the lines of a file', () => {
  const cutAll = (text: Uint8Array, sizes: readonly number[], offset = 0) => {
    const cutter = new LineCutter({ head: 'h', offset })
    const lines = []
    let from = 0
    for (const size of [...sizes, text.length]) {
      lines.push(...cutter.push(text.subarray(from, from + size)))
      from = Math.min(text.length, from + size)
      assert.equal(cutter.next, offset + from)
    }
    return [...lines, ...cutter.finish()]
  }

  it('are the same however the file is read, and each place begins the rest (property)', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\n', '')),
      fc.constantFrom('', 'a'.repeat(LONGEST_LINE), 'b'.repeat(LONGEST_LINE + 7)),
    )
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 12 }),
        (lines, ends, sizes) => {
          const text = bytes(lines.join('\n') + (ends ? '\n' : ''))
          const whole = cutAll(text, [])
          assert.deepEqual(cutAll(text, sizes), whole)
          assert.ok(whole.every((each) => Buffer.byteLength(each.text) <= LONGEST_LINE))
          for (const [at, { end }] of whole.entries())
            assert.deepEqual(cutAll(text.subarray(end.offset), [], end.offset), whole.slice(at + 1))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('wait for their end', () => {
    const cutter = new LineCutter({ head: 'h', offset: 0 })
    assert.deepEqual(cutter.push(bytes('one\ntw')), [{ text: 'one', end: { head: 'h', offset: 4 } }])
    assert.deepEqual(cutter.push(bytes('o')), [])
    assert.deepEqual(cutter.push(bytes('\n')), [{ text: 'two', end: { head: 'h', offset: 8 } }])
    assert.deepEqual(cutter.finish(), [])
  })
})

describe('the place in a log', () => {
  const first = headOf(bytes('type=DAEMON_START msg=audit(1.000:1): \nmore')) as string

  it('is known by the first line of its file, once that is whole', () => {
    assert.equal(headOf(bytes('type=DAEMON_START msg=audit(1.000:1): \n')), first)
    assert.notEqual(headOf(bytes('type=DAEMON_START msg=audit(1.000:2): \nmore')), first)
    assert.equal(headOf(bytes('type=DAEMON_START')), undefined)
    assert.equal(headOf(bytes('')), undefined)
    assert.equal(headOf(bytes(''), true), undefined)
    assert.ok(headOf(bytes('type=DAEMON_START'), true) !== undefined)
    const long = 'x'.repeat(HEAD_BYTES)
    assert.equal(headOf(bytes(long)), headOf(bytes(`${long}yz\n`)))
  })

  it('is written down and read again, and nothing else is one', () => {
    const place = { head: first, offset: 17 }
    assert.deepEqual(parsePlace(formatPlace(place)), place)
    for (const text of ['', '{}', '{"v":2,"head":"a","offset":1}', '{"v":1,"head":"a","offset":-1}'])
      assert.equal(parsePlace(text), undefined, text)
  })

  it('is found again in whichever file it is now', () => {
    const files = ['c', 'b', 'a'].map((head) => ({ head, size: 100 }))
    assert.equal(startIn([], undefined), undefined)
    assert.deepEqual(startIn(files, undefined), { index: 0, offset: 0, trouble: undefined })
    assert.deepEqual(startIn(files, { head: 'b', offset: 100 }), {
      index: 1,
      offset: 100,
      trouble: undefined,
    })
    assert.deepEqual(startIn(files, { head: 'z', offset: 7 }), { index: 0, offset: 0, trouble: 'gone' })
    assert.deepEqual(startIn(files, { head: 'a', offset: 101 }), { index: 2, offset: 0, trouble: 'shorter' })
  })

  it('has the files in their order, and no others', () => {
    const names = [
      'audit.log.2',
      'audit.log',
      'audit.log.10',
      'audit.log.1',
      'audit.log.1.gz',
      'audit.log.old',
      'x',
    ]
    assert.deepEqual(inOrder(names, 'audit.log'), ['audit.log.10', 'audit.log.2', 'audit.log.1', 'audit.log'])
  })
})
