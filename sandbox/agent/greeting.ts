import type { Ms, RandomBytes } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { fromBase64, toBase64 } from '#core/ssm/bytes.ts'
import { SessionCipher } from '#core/ssm/cipher.ts'
import { ACTION_KMS_ENCRYPTION, ACTION_SUCCEEDED } from '#core/ssm/constants.ts'
import {
  decodeChallenge,
  decodeHandshakeResponse,
  encodeChallenge,
  encodeHandshakeComplete,
  encodeHandshakeRequest,
  type RequestedAction,
} from '#core/ssm/payloads.ts'
import { isAtLeast, SEPARATE_STDERR_SINCE } from '#sandbox/agent/client-version.ts'
import { type SessionJob, separatesOutput } from '#sandbox/agent/job.ts'

const KEY_CHALLENGE_BYTES = 16
const CHALLENGE_BYTES = 64

/** What follows from a message of the client. */
export type GreetingStep =
  /** Nothing: it is a repeated message. */
  | { readonly do: 'nothing' }
  /** Have KMS decrypt this data key. */
  | { readonly do: 'decrypt-key'; readonly ciphertext: Uint8Array }
  /** Send this EncChallengeRequest. */
  | { readonly do: 'challenge'; readonly payload: Uint8Array }
  | { readonly do: 'complete' }
  /** The session is over, in the words that the service shows. */
  | { readonly do: 'fail'; readonly why: string }

/**
 * The agent's side of the handshake: request, response, with a key also a challenge, complete. It says what to send;
 * who sends it, repeats it and watches the clock is the engine.
 */
export class Greeting {
  readonly #job: SessionJob
  readonly #agentVersion: string
  readonly #random: RandomBytes
  #phase: 'response' | 'key' | 'challenge' | 'done' = 'response'
  #challenge: Uint8Array = new Uint8Array(0)
  clientVersion: string | undefined
  cipher: SessionCipher | undefined

  constructor(job: SessionJob, agentVersion: string, random: RandomBytes) {
    this.#job = job
    this.#agentVersion = agentVersion
    this.#random = random
  }

  /** Port sessions are not encrypted, whatever the account's preferences say. */
  get encrypted(): boolean {
    return this.#job.kmsKeyId !== undefined && this.#job.type !== 'Port'
  }

  /** Whether the session shakes hands: today's ordinary shell does not. */
  get required(): boolean {
    return this.#job.type === 'Port' || this.#job.type === 'NonInteractiveCommands' || this.encrypted
  }

  /** The HandshakeRequest. Only port sessions tell the client their properties. */
  request(): Uint8Array {
    const properties = this.#job.type === 'Port' ? sortedTexts(this.#job.properties) : undefined
    const actions: RequestedAction[] = [{ type: 'session-type', sessionType: this.#job.type, properties }]
    if (this.encrypted && this.#job.kmsKeyId !== undefined) {
      const challenge = toBase64(this.#random(KEY_CHALLENGE_BYTES))
      actions.push({ type: 'kms-encryption', keyId: this.#job.kmsKeyId, challenge })
    }
    return encodeHandshakeRequest({ agentVersion: this.#agentVersion, actions })
  }

  /** A HandshakeResponse came. */
  onResponse(payload: Uint8Array): GreetingStep {
    return this.#phase === 'response' ? orFail(() => this.#readResponse(payload)) : { do: 'nothing' }
  }

  /** KMS has decrypted the data key. */
  onKey(plaintext: Uint8Array): GreetingStep {
    if (this.#phase !== 'key') return { do: 'nothing' }
    return orFail(() => {
      this.cipher = new SessionCipher('agent', plaintext, this.#random)
      this.#challenge = new Uint8Array(this.#random(CHALLENGE_BYTES))
      this.#phase = 'challenge'
      return { do: 'challenge', payload: encodeChallenge(toBase64(this.cipher.encrypt(this.#challenge))) }
    })
  }

  /** An EncChallengeResponse came. */
  onChallengeResponse(payload: Uint8Array): GreetingStep {
    return this.#phase === 'challenge'
      ? orFail(() => this.#readChallengeResponse(payload))
      : { do: 'nothing' }
  }

  /** The HandshakeComplete of a handshake that took this long. */
  completion(took: Ms): Uint8Array {
    let customerMessage = ''
    if (separatesOutput(this.#job) && !isAtLeast(this.clientVersion, SEPARATE_STDERR_SINCE)) {
      customerMessage = `Please update session manager plugin version (minimum required version ${SEPARATE_STDERR_SINCE}) for fully support of separate StdOut/StdErr output.\r\n`
    }
    if (this.encrypted) customerMessage += 'This session is encrypted using AWS KMS.'
    return encodeHandshakeComplete({ nanoseconds: Math.round(took * 1e6), customerMessage })
  }

  #readResponse(payload: Uint8Array): GreetingStep {
    const response = decodeHandshakeResponse(payload)
    this.clientVersion = response.clientVersion
    const failed = response.actions.find((action) => action.status !== ACTION_SUCCEEDED)
    if (failed !== undefined) {
      return {
        do: 'fail',
        why: `${failed.name} failed on client with status ${failed.status} error: ${failed.error}`,
      }
    }
    if (!this.encrypted) return this.#complete()
    const key = response.actions.find((action) => action.name === ACTION_KMS_ENCRYPTION)?.cipherTextKey
    const ciphertext = key === undefined ? undefined : fromBase64(key)
    if (ciphertext === undefined) return { do: 'fail', why: 'Fetching data key failed: the client sent none' }
    this.#phase = 'key'
    return { do: 'decrypt-key', ciphertext }
  }

  #readChallengeResponse(payload: Uint8Array): GreetingStep {
    const sealed = fromBase64(decodeChallenge(payload))
    const plain = sealed === undefined ? undefined : this.cipher?.decrypt(sealed)
    if (plain === undefined || Buffer.compare(plain, this.#challenge) !== 0) {
      return { do: 'fail', why: 'Encryption challenge does not match!' }
    }
    return this.#complete()
  }

  #complete(): GreetingStep {
    this.#phase = 'done'
    return { do: 'complete' }
  }
}

/** A message that cannot be read, or not decrypted, ends the session with its reason. */
function orFail(step: () => GreetingStep): GreetingStep {
  try {
    return step()
  } catch (error) {
    if (!isPgctlError(error)) throw error
    return { do: 'fail', why: error.message }
  }
}

/** Properties in the order of their names, as the vendor's encoder writes maps. */
function sortedTexts(properties: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(properties).map(([name, value]): [string, string] => [name, String(value)])
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
