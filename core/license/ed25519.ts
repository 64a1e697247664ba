import { createPublicKey, verify } from 'node:crypto'

/**
 * Ed25519 (RFC 8032), strict whatever the library is: older builds of it take keys of small order, with which one
 * signature fits every message.
 */

export const KEY_BYTES = 32
export const SIGNATURE_BYTES = 64

/** What stands before the key in a SubjectPublicKeyInfo (RFC 8410). */
const KEY_INFO = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

/** The order of the group, L = 2^252 + 27742317777372353535851937790883648493, little-endian. */
const GROUP_ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex')

/** The prime of the field, p = 2^255 − 19, little-endian. */
const FIELD_PRIME = Buffer.from('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', 'hex')

/** The y coordinates of the eight points of small order: those of order 4, 1, 8, 8 and 2. */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]

/** Whether 32 bytes may be a public key at all: written in the one way that there is, and not of small order. */
export function isSoundKey(key: Uint8Array): boolean {
  if (key.length !== KEY_BYTES) return false
  const y = Uint8Array.from(key)
  y[KEY_BYTES - 1] = (y[KEY_BYTES - 1] as number) & 0x7f
  return isLess(y, FIELD_PRIME) && !SMALL_ORDER.includes(Buffer.from(y).toString('hex'))
}

/** Whether `signature` is that of `message` by `key`. False, never an error, for anything malformed. */
export function isSignedBy(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || !isSoundKey(key)) return false
  // S + L would be a second signature of the same message.
  if (!isLess(signature.subarray(KEY_BYTES), GROUP_ORDER)) return false
  try {
    const publicKey = createPublicKey({
      key: Buffer.concat([KEY_INFO, key]),
      format: 'der',
      type: 'spki',
    })
    return verify(null, message, publicKey, signature)
  } catch {
    return false
  }
}

/** Of two little-endian numbers of 32 bytes. */
function isLess(a: Uint8Array, b: Uint8Array): boolean {
  for (let at = KEY_BYTES - 1; at >= 0; at--)
    if (a[at] !== b[at]) return (a[at] as number) < (b[at] as number)
  return false
}
