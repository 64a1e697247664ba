import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { RandomBytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { fromBase64, toBase64 } from '#core/ssm/bytes.ts'
import { DATA_KEY_BYTES } from '#core/ssm/constants.ts'

/*
 *     data key, 64 bytes      | agent encrypts, client decrypts | client encrypts, agent decrypts |
 *     an encrypted payload    | nonce (12) | ciphertext | tag (16) |
 */

const NONCE_BYTES = 12
const TAG_BYTES = 16
/** How much longer an encrypted payload is. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES

const ALGORITHM = 'aes-256-gcm'

/** AES-256-GCM in both directions, with one half of the session's data key each. */
export class SessionCipher {
  readonly #seal: Uint8Array
  readonly #open: Uint8Array
  readonly #random: RandomBytes

  /** `side` is whose cipher it is. @throws PgctlError `encryption-failed` for a key that is not 64 bytes long. */
  constructor(side: 'client' | 'agent', dataKey: Uint8Array, random: RandomBytes) {
    if (dataKey.length !== DATA_KEY_BYTES) {
      throw new PgctlError(
        'encryption-failed',
        `the session's data key is ${dataKey.length} bytes long instead of ${DATA_KEY_BYTES}`,
      )
    }
    const agentKey = new Uint8Array(dataKey.subarray(0, DATA_KEY_BYTES / 2))
    const clientKey = new Uint8Array(dataKey.subarray(DATA_KEY_BYTES / 2))
    this.#seal = side === 'client' ? clientKey : agentKey
    this.#open = side === 'client' ? agentKey : clientKey
    this.#random = random
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    const nonce = this.#random(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, this.#seal, nonce)
    const sealed = Buffer.allocUnsafe(SEAL_BYTES + plaintext.length)
    sealed.set(nonce, 0)
    sealed.set(cipher.update(plaintext), NONCE_BYTES)
    cipher.final()
    sealed.set(cipher.getAuthTag(), NONCE_BYTES + plaintext.length)
    return sealed
  }

  /** @throws PgctlError `encryption-failed` for anything that the other side's key did not make. */
  decrypt(sealed: Uint8Array): Uint8Array {
    if (sealed.length < SEAL_BYTES) throw notOurs('is too short')
    const tagAt = sealed.length - TAG_BYTES
    const decipher = createDecipheriv(ALGORITHM, this.#open, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(sealed.subarray(tagAt))
    const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, tagAt))
    try {
      decipher.final()
    } catch (cause) {
      throw notOurs('was not made with its data key', cause)
    }
    return plaintext
  }

  /** The answer to a challenge: what the other side encrypted, encrypted by this one. Both are base64. */
  answerChallenge(challenge: string): string {
    const sealed = fromBase64(challenge)
    if (sealed === undefined) throw notOurs('is no base64')
    return toBase64(this.encrypt(this.decrypt(sealed)))
  }
}

function notOurs(fault: string, cause?: unknown): PgctlError {
  return new PgctlError('encryption-failed', `an encrypted payload of the session ${fault}`, {
    next: 'run the command again for a new session',
    cause,
  })
}
