import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeReply, type Reply, RespError, RespReader } from '#sandbox/datastores/resp.ts'

/** Everything that can be read after these chunks. */
function read(chunks: readonly Buffer[]): string[][] {
  const reader = new RespReader()
  const found: string[][] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let words = reader.next(); words !== undefined; words = reader.next())
      found.push(words.map((word) => word.toString('latin1')))
  }
  return found
}

function request(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}

describe('requests of Redis', () => {
  it('are the same wherever they are cut', () => {
    const bytes = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    })
    fc.assert(
      fc.property(fc.array(fc.array(bytes, { minLength: 1 })), fc.array(fc.nat()), (requests, cuts) => {
        const wire = Buffer.from(requests.map(request).join(''), 'latin1')
        const ends = [...new Set(cuts.map((cut) => cut % (wire.length + 1)))].sort((a, b) => a - b)
        const chunks = [...ends, wire.length].map((end, i) => wire.subarray(i === 0 ? 0 : ends[i - 1], end))
        assert.deepEqual(read(chunks), requests)
      }),
    )
  })

  it('may be lines of words', () => {
    assert.deepEqual(read([Buffer.from('PING\r\nset a  1\r\n\r\n')]), [['PING'], ['set', 'a', '1'], []])
  })

  const REFUSED: ReadonlyArray<[wire: string, why: RegExp]> = [
    ['*1\r\n+PING\r\n', /expected '\$', got '\+'/],
    ['*x\r\n', /invalid multibulk length/],
    ['*99999999\r\n', /invalid multibulk length/],
    ['*1\r\n$-1\r\n', /invalid bulk length/],
    ['*1\r\n$999999999\r\n', /invalid bulk length/],
    ['x'.repeat(65_537), /too big inline request/],
  ]
  for (const [wire, why] of REFUSED)
    it(`${JSON.stringify(wire.slice(0, 20))} is none`, () => {
      assert.throws(
        () => read([Buffer.from(wire)]),
        (error) => error instanceof RespError && why.test(error.message),
      )
    })
})

describe('replies of Redis', () => {
  const ROWS: ReadonlyArray<[Reply, second: string, third: string]> = [
    [{ simple: 'OK' }, '+OK\r\n', '+OK\r\n'],
    [{ error: 'ERR a\r\nb' }, '-ERR a  b\r\n', '-ERR a  b\r\n'],
    [-2, ':-2\r\n', ':-2\r\n'],
    [null, '$-1\r\n', '_\r\n'],
    ['ä', '$2\r\nä\r\n', '$2\r\nä\r\n'],
    [['a', 1, []], '*3\r\n$1\r\na\r\n:1\r\n*0\r\n', '*3\r\n$1\r\na\r\n:1\r\n*0\r\n'],
    [new Map<string, Reply>([['a', 1]]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
  ]
  for (const [reply, second, third] of ROWS)
    it(`${JSON.stringify(second)} in one version, ${JSON.stringify(third)} in the next`, () => {
      assert.equal(encodeReply(reply, 2).toString(), second)
      assert.equal(encodeReply(reply, 3).toString(), third)
    })
})
