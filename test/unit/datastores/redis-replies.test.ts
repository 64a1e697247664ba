import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatRedirection, ReplyReader } from '#core/datastores/redis-replies.ts'

/** What comes out of `text`, cut at `cuts`, where every redirection leads to `there:1`. */
function passed(text: string, cuts: readonly number[] = []): string {
  const bytes = Buffer.from(text, 'latin1')
  const reader = new ReplyReader()
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
  let out = ''
  for (let i = 0; i + 1 < places.length; i++)
    for (const part of reader.read(bytes.subarray(places[i], places[i + 1]))) {
      const shown = part.kind === 'bytes' ? part.bytes : formatRedirection(part, 'there', 1)
      out += Buffer.from(shown).toString('latin1')
    }
  return out + Buffer.from(reader.end()).toString('latin1')
}

const MOVED = '-MOVED 3999 10.0.1.5:6379\r\n'
const THERE = '-MOVED 3999 there:1\r\n'

describe('the answers of a node of a cluster', () => {
  for (const [why, text, wanted] of [
    ['a redirection leads elsewhere', MOVED, THERE],
    ['so does one that is for once', '-ASK 1 host.example:7000\r\n', '-ASK 1 there:1\r\n'],
    ['and one to the same host by another port', '-MOVED 1 :7001\r\n', '-MOVED 1 there:1\r\n'],
    ['and one to an address with colons', '-MOVED 1 fd00::5:7001\r\n', '-MOVED 1 there:1\r\n'],
    [
      'behind other answers',
      `+OK\r\n:1\r\n$-1\r\n*-1\r\n*0\r\n${MOVED}`,
      `+OK\r\n:1\r\n$-1\r\n*-1\r\n*0\r\n${THERE}`,
    ],
    ['behind a string that looks like one', `$27\r\n${MOVED}\r\n${MOVED}`, `$27\r\n${MOVED}\r\n${THERE}`],
    [
      'not within an answer of many',
      `*2\r\n${MOVED}*1\r\n${MOVED}${MOVED}`,
      `*2\r\n${MOVED}*1\r\n${MOVED}${THERE}`,
    ],
    [
      'behind pairs, and what is said about an answer',
      `%1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n${MOVED}`,
      `%1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n${MOVED}`,
    ],
    ['behind pushes', `>2\r\n+a\r\n+b\r\n${MOVED}`, `>2\r\n+a\r\n+b\r\n${THERE}`],
    ['other errors stay', '-ERR MOVED 1 a:1\r\n-MOVED nowhere\r\n', '-ERR MOVED 1 a:1\r\n-MOVED nowhere\r\n'],
  ] as const)
    it(why, () => assert.equal(passed(text), wanted))

  it('what is not understood is passed on, and nothing is looked for in it any more', () => {
    for (const text of [
      'HTTP/1.1 200\r\n',
      '$x\r\n',
      '*9999999999999\r\n',
      '+a\n',
      '\r\n',
      `-${'x'.repeat(5_000)}`,
    ])
      assert.equal(passed(text + MOVED), text + MOVED)
  })

  it('are the same wherever they are cut', () => {
    const reply = fc.letrec<{ reply: string }>((tie) => ({
      reply: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(
          '+OK\r\n',
          ':42\r\n',
          '_\r\n',
          '#t\r\n',
          ',1.5\r\n',
          '(12\r\n',
          '$-1\r\n',
          '-ERR no\r\n',
        ),
        fc.string({ unit: 'binary-ascii', maxLength: 40 }).map((text) => `$${text.length}\r\n${text}\r\n`),
        fc.array(tie('reply'), { maxLength: 3 }).map((items) => `*${items.length}\r\n${items.join('')}`),
        fc
          .array(fc.tuple(tie('reply'), tie('reply')), { maxLength: 2 })
          .map((pairs) => `%${pairs.length}\r\n${pairs.flat().join('')}`),
      ),
    })).reply
    fc.assert(
      fc.property(
        fc.array(fc.oneof(reply, fc.constant(MOVED)), { maxLength: 6 }),
        fc.array(fc.nat(400), { maxLength: 8 }),
        (replies, cuts) => {
          const text = replies.join('')
          const wanted = replies.map((each) => (each === MOVED ? THERE : each)).join('')
          assert.equal(
            passed(
              text,
              cuts.filter((cut) => cut < text.length),
            ),
            wanted,
          )
        },
      ),
    )
  })

  it('are whole and unchanged whatever bytes come, but for redirections', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1')
        fc.pre(!/MOVED|ASK/.test(text))
        assert.equal(passed(text), text)
      }),
    )
  })
})
