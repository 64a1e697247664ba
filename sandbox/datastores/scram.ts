import { createHmac, hash, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

/**
 * SCRAM-SHA-256 (RFC 5802, 7677), the verifying side, without channel binding.
 *
 *     client   n,,n=,r=NONCE
 *     server   r=NONCE+OURS,s=SALT,i=4096
 *     client   c=biws,r=NONCE+OURS,p=PROOF
 *     server   v=SIGNATURE
 */

const ITERATIONS = 4096

export interface ScramSecret {
  readonly password: string
  readonly salt: Buffer
  /** Our part of the nonce: printable, never used before. */
  readonly nonce: string
}

export interface ScramChallenge {
  /** What the server answers to the client's first message. */
  readonly text: string
  /** The server's last message, for a client whose `final` proves that it knows the password; else undefined. */
  verify(final: string): string | undefined
}

/** The server's answer to a client's first message; undefined for what is none. */
export function scramChallenge(first: string, secret: ScramSecret): ScramChallenge | undefined {
  const [, header, bare, clientNonce] = /^([ny],[^,]*,)(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+))$/.exec(first) ?? []
  if (header === undefined || bare === undefined) return undefined
  const nonce = `${clientNonce}${secret.nonce}`
  const text = `r=${nonce},s=${secret.salt.toString('base64')},i=${ITERATIONS}`
  return {
    text,
    verify(final) {
      const [, unproved, binding, givenNonce, proof] = /^(c=([^,]+),r=([^,]+)),p=([^,]+)$/.exec(final) ?? []
      if (givenNonce !== nonce || binding !== Buffer.from(header).toString('base64')) return undefined
      const salted = pbkdf2Sync(secret.password.normalize('NFKC'), secret.salt, ITERATIONS, 32, 'sha256')
      const signed = `${bare},${text},${unproved}`
      const storedKey = hash('sha256', mac(salted, 'Client Key'), 'buffer')
      const expected = mac(storedKey, signed)
      const given = Buffer.from(proof ?? '', 'base64')
      if (given.length !== expected.length) return undefined
      const key = given.map((byte, i) => byte ^ (expected[i] ?? 0))
      if (!timingSafeEqual(hash('sha256', key, 'buffer'), storedKey)) return undefined
      return `v=${mac(mac(salted, 'Server Key'), signed).toString('base64')}`
    },
  }
}

function mac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
