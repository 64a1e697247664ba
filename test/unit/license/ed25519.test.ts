import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSignedBy, isSoundKey } from '#core/license/ed25519.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

/** RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc). */
const VECTORS = [
  {
    name: 'TEST 1, an empty message',
    key: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    name: 'TEST 2, one byte',
    key: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    name: 'TEST 3, two bytes',
    key: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
  {
    name: 'TEST SHA(abc)',
    key: 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    message:
      'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    signature:
      'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  },
] as const

describe('Ed25519', () => {
  for (const { name, key, message, signature } of VECTORS) {
    it(`verifies RFC 8032's ${name}`, () => assert.ok(isSignedBy(hex(key), hex(message), hex(signature))))

    it(`refuses it with any one bit changed: ${name}`, () => {
      for (const [at, part] of [hex(key), hex(message), hex(signature)].entries())
        for (let bit = 0; bit < part.length * 8; bit++) {
          const changed = [hex(key), hex(message), hex(signature)]
          const bytes = changed[at] as Buffer
          bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
          const [k, m, s] = changed as [Buffer, Buffer, Buffer]
          assert.ok(!isSignedBy(k, m, s), `part ${at}, bit ${bit}`)
        }
    })
  }

  it('refuses S + L, a second writing of one signature', () => {
    const { key, message, signature } = VECTORS[1]
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${hex(signature).subarray(32).reverse().toString('hex')}`) + order
    const second = Buffer.concat([
      hex(signature).subarray(0, 32),
      hex(s.toString(16).padStart(64, '0')).reverse(),
    ])
    assert.ok(!isSignedBy(hex(key), hex(message), second))
  })

  it('refuses the neutral point as a key: by the equation, S = 0 fits every message with it', () => {
    const neutral = Buffer.concat([Uint8Array.of(1), new Uint8Array(31)])
    assert.ok(!isSignedBy(neutral, Buffer.from('anything'), Buffer.concat([neutral, new Uint8Array(32)])))
  })

  it('knows every point whose order divides eight, with either sign', () => {
    const points = torsionPoints()
    assert.equal(points.length, 8)
    for (const encoded of points) assert.ok(!isSoundKey(encoded), encoded.toString('hex'))
  })

  it('refuses a y that is not below the prime, a second writing of one key', () => {
    for (let above = 0n; above < 19n; above++) {
      const y = 2n ** 255n - 19n + above
      for (const sign of [0n, 2n ** 255n]) assert.ok(!isSoundKey(littleEndian(y + sign)))
    }
  })

  it('refuses other lengths without an error', () => {
    const { key, message, signature } = VECTORS[1]
    assert.ok(!isSignedBy(hex(key).subarray(1), hex(message), hex(signature)))
    assert.ok(!isSignedBy(hex(key), hex(message), hex(signature).subarray(1)))
    assert.ok(!isSignedBy(new Uint8Array(), hex(message), new Uint8Array()))
  })

  it('takes what a key has signed, and nothing else (property)', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const key = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url')
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array({ minLength: 64, maxLength: 64 }), (message, garbage) => {
        assert.ok(isSignedBy(key, message, sign(null, message, privateKey)))
        assert.ok(!isSignedBy(key, message, garbage))
      }),
      { numRuns: 200 },
    )
  })
})

// ── The curve in plain arithmetic, so that the table of small points is not checked by itself ─────────────────────

const P = 2n ** 255n - 19n
const mod = (n: bigint) => ((n % P) + P) % P

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b)
  return result
}

const invert = (n: bigint) => power(n, P - 2n)
const D = mod(-121665n * invert(121666n))
type Point = readonly [x: bigint, y: bigint]

function add([x1, y1]: Point, [x2, y2]: Point): Point {
  const product = mod(D * x1 * x2 * y1 * y2)
  return [mod((x1 * y2 + x2 * y1) * invert(1n + product)), mod((y1 * y2 + x1 * x2) * invert(1n - product))]
}

/** A point with this y, if there is one. */
function pointAt(y: bigint): Point | undefined {
  const square = mod((y * y - 1n) * invert(D * y * y + 1n))
  const root = power(square, (P + 3n) / 8n)
  const x = [root, mod(root * power(2n, (P - 1n) / 4n))].find((each) => mod(each * each) === square)
  return x === undefined ? undefined : [x, y]
}

/** L times a point lies in the subgroup of order eight; one of order eight makes all of it. */
function torsionPoints(): Buffer[] {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  for (let y = 2n; ; y++) {
    const point = pointAt(y)
    if (point === undefined) continue
    let small: Point = [0n, 1n]
    for (let p = point, e = order; e > 0n; e >>= 1n, p = add(p, p)) if (e & 1n) small = add(small, p)
    const multiples: Point[] = [[0n, 1n]]
    for (let next = small; next[0] !== 0n || next[1] !== 1n; next = add(next, small)) multiples.push(next)
    if (multiples.length === 8) return multiples.map(([x, yy]) => littleEndian(yy + ((x & 1n) << 255n)))
  }
}

function littleEndian(n: bigint): Buffer {
  return Buffer.from(n.toString(16).padStart(64, '0'), 'hex').reverse()
}
