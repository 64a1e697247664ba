import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  bytesEqualAt,
  fromBase64,
  readUint32,
  readUint64,
  textOf,
  toBase64,
  uuidText,
  uuidWire,
  writeUint32,
  writeUint64,
} from '#core/ssm/bytes.ts'

describe('numbers', { timeout: 5_000 }, () => {
  for (const value of [0, 1, 255, 256, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]) {
    it(`${value} survives 32 bits, big-endian`, () => {
      const bytes = new Uint8Array(5)
      writeUint32(bytes, 1, value)
      assert.equal(readUint32(bytes, 1), value)
      assert.equal(Buffer.from(bytes).readUInt32BE(1), value)
    })
  }

  for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 1_795_000_000_000, Number.MAX_SAFE_INTEGER]) {
    it(`${value} survives 64 bits, big-endian`, () => {
      const bytes = new Uint8Array(9)
      writeUint64(bytes, 1, value)
      assert.equal(readUint64(bytes, 1), value)
      assert.equal(Buffer.from(bytes).readBigUInt64BE(1), BigInt(value))
    })
  }

  const beyond = [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]
  for (const value of beyond) {
    it(`refuses ${value}, which a double or a sequence cannot hold`, () => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64BE(value)
      assert.equal(readUint64(bytes, 0), undefined)
    })
  }
})

describe('UUIDs', { timeout: 5_000 }, () => {
  const text = '7ec25101-4755-49f2-bfa3-84b9eb620c83'

  it('puts the low 8 bytes first', () => {
    assert.equal(
      Buffer.from(uuidWire(text) as Uint8Array).toString('hex'),
      'bfa384b9eb620c837ec25101475549f2',
    )
  })

  it('reads back what it wrote, at an offset too', () => {
    const wire = Buffer.concat([Buffer.from([9]), uuidWire(text) as Uint8Array])
    assert.equal(uuidText(wire, 1), text)
  })

  for (const wrong of ['', text.slice(1), `${text}0`, text.replaceAll('-', ''), text.replace('7', 'g')]) {
    it(`is not ${JSON.stringify(wrong)}`, () => assert.equal(uuidWire(wrong), undefined))
  }
})

describe('text', { timeout: 5_000 }, () => {
  it('refuses what is no UTF-8 instead of mending it', () => {
    assert.equal(textOf(Uint8Array.of(0x61, 0xff)), undefined)
    assert.equal(textOf(Uint8Array.of(0x61, 0xc3, 0xa9)), 'aé')
  })

  it('keeps base64 strict, as a lenient reader would accept a cut key', () => {
    const bytes = Uint8Array.of(0, 255, 7)
    assert.deepEqual(new Uint8Array(fromBase64(toBase64(bytes)) as Uint8Array), bytes)
    assert.equal(fromBase64('AP8'), undefined)
    assert.equal(fromBase64('AP8H!'), undefined)
  })

  it('compares a window of bytes, and none that reaches beyond the end', () => {
    const bytes = Uint8Array.of(1, 2, 3)
    assert.equal(bytesEqualAt(bytes, 1, Uint8Array.of(2, 3)), true)
    assert.equal(bytesEqualAt(bytes, 1, Uint8Array.of(2, 4)), false)
    assert.equal(bytesEqualAt(bytes, 2, Uint8Array.of(3, 0)), false)
  })
})
