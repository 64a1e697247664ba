import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { toBase64, utf8 } from '#core/ssm/bytes.ts'
import { SEAL_BYTES, SessionCipher } from '#core/ssm/cipher.ts'
import { seededBytes } from '../../support/random.ts'
import { vectorDataKey } from '../../support/session-vectors.ts'

const failed = (error: unknown) => isPgctlError(error, 'encryption-failed')
const client = () => new SessionCipher('client', vectorDataKey, seededBytes(1))
const agent = () => new SessionCipher('agent', vectorDataKey, seededBytes(2))

describe('SessionCipher', { timeout: 5_000 }, () => {
  for (const size of [0, 1, 15, 16, 17, 1_024, 40_000]) {
    it(`opens what the other side sealed: ${size} bytes, both ways`, () => {
      const plaintext = seededBytes(size)(size)
      assert.equal(Buffer.compare(client().decrypt(agent().encrypt(plaintext)), plaintext), 0)
      const sealed = client().encrypt(plaintext)
      assert.equal(sealed.length, size + SEAL_BYTES)
      assert.equal(Buffer.compare(agent().decrypt(sealed), plaintext), 0)
    })
  }

  it('does not open its own side: the halves of the key are one direction each', () => {
    assert.throws(() => client().decrypt(client().encrypt(utf8('mine'))), failed)
  })

  it('refuses every prefix and every changed byte', () => {
    const sealed = agent().encrypt(utf8('secret'))
    for (let length = 0; length < sealed.length; length++) {
      assert.throws(() => client().decrypt(sealed.subarray(0, length)), failed, `${length} bytes`)
    }
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.map((byte, index) => (index === at ? byte ^ 1 : byte))
      assert.throws(() => client().decrypt(changed), failed, `byte ${at}`)
    }
  })

  it('refuses a key of another length', () => {
    for (const length of [0, 32, 63, 65]) {
      assert.throws(() => new SessionCipher('client', new Uint8Array(length), seededBytes(1)), failed)
    }
  })

  it('answers a challenge with the same bytes under its own key', () => {
    const secret = seededBytes(3)(64)
    const answer = client().answerChallenge(toBase64(agent().encrypt(secret)))
    assert.equal(Buffer.compare(agent().decrypt(Buffer.from(answer, 'base64')), secret), 0)
    assert.throws(() => client().answerChallenge('no base64!'), failed)
  })
})
