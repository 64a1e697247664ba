import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { OutputText } from '#sandbox/agent/output-text.ts'
import { boxed } from '../../support/boxed.ts'

/** As the vendor's agent does it, rune by rune (`processStdoutData`), of one read. */
function vendor(bytes: Uint8Array): { sent: number[]; held: number[] } {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const isCharacter = (part: Uint8Array) => {
    try {
      return [...decoder.decode(part)].length === 1
    } catch {
      return false
    }
  }
  const sent: number[] = []
  let at = 0
  while (at < bytes.length) {
    const length = [1, 2, 3, 4].find((n) => at + n <= bytes.length && isCharacter(bytes.subarray(at, at + n)))
    const isError =
      length === undefined ||
      (length === 3 && Buffer.from(bytes.subarray(at, at + 3)).toString('hex') === 'efbfbd')
    if (isError && bytes.length - at < 4) break
    if (isError) sent.push(bytes[at] ?? 0)
    else sent.push(...bytes.subarray(at, at + length))
    at += length ?? 1
  }
  return { sent, held: [...bytes.subarray(at)] }
}

const tricky = fc.oneof(
  fc.uint8Array({ maxLength: 3 }),
  fc.constantFrom(
    Uint8Array.of(0xef, 0xbf, 0xbd),
    Uint8Array.of(0xef, 0xbf),
    Uint8Array.of(0xf0, 0x9f, 0x98, 0x80),
    Uint8Array.of(0xe2, 0x82),
    Uint8Array.of(0x61),
  ),
)
const bytes = fc.array(tricky, { maxLength: 8 }).map((parts) => new Uint8Array(Buffer.concat(parts)))

describe('the output that the agent sends', () => {
  it('is what the vendor makes of it, read by read', () =>
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (reads) => {
        const text = new OutputText()
        let held: number[] = []
        for (const read of reads) {
          const expected = vendor(Uint8Array.of(...held, ...read))
          held = expected.held
          assert.deepEqual([...text.push(read)], expected.sent)
        }
      }),
      boxed(2_000, 5_000),
    ))

  it('loses two bytes of a real U+FFFD, and an unfinished character at the end', () => {
    assert.equal(
      Buffer.from(new OutputText().push(Buffer.from('a\ufffdbcde'))).toString('hex'),
      '61ef62636465',
    )
    assert.equal(new OutputText().push(Uint8Array.of(0x61, 0xe2, 0x82)).length, 1)
  })
})
