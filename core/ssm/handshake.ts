import type { Bytes, Instant, Ms, RandomBytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { SessionCipher } from '#core/ssm/cipher.ts'
import {
  ACTION_FAILED,
  ACTION_SUCCEEDED,
  ACTION_UNSUPPORTED,
  CLIENT_VERSION,
  DATA_KEY_BYTES,
  KMS_CONTEXT_SESSION_ID,
  KMS_CONTEXT_TARGET_ID,
  PAYLOAD_CHALLENGE_REQUEST,
  PAYLOAD_CHALLENGE_RESPONSE,
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_HANDSHAKE_RESPONSE,
  SESSION_TYPE_COMMAND,
  SESSION_TYPE_INTERACTIVE_COMMAND,
  SESSION_TYPE_PORT,
  SESSION_TYPE_SHELL,
} from '#core/ssm/constants.ts'
import { Fifo } from '#core/ssm/fifo.ts'
import {
  actionName,
  decodeChallenge,
  decodeHandshakeComplete,
  decodeHandshakeRequest,
  encodeChallenge,
  encodeHandshakeResponse,
  type HandshakeRequest,
  type ProcessedAction,
  type RequestedAction,
} from '#core/ssm/payloads.ts'
import type { DataKey } from '#core/ssm/session-api.ts'

/** What a session is for, and so which session types of an agent are the right ones. */
export type SessionKind = 'port' | 'terminal'

const TYPES_OF_KIND: Readonly<Record<SessionKind, readonly string[]>> = {
  port: [SESSION_TYPE_PORT],
  terminal: [SESSION_TYPE_SHELL, SESSION_TYPE_INTERACTIVE_COMMAND, SESSION_TYPE_COMMAND],
}

/** How long the agent may say nothing at all, from an open WebSocket. */
export const OPENING_PATIENCE: Ms = 20_000
/** From the agent's request to its completion: it gives up after 15 s itself. */
export const HANDSHAKE_PATIENCE: Ms = 16_000
/** How long KMS may take, so that the agent still hears of the failure. */
export const KEY_PATIENCE: Ms = 12_000

export interface HandshakeOptions {
  readonly kind: SessionKind
  readonly sessionId: string
  readonly targetId: string
  readonly random: RandomBytes
}

/** What the two sides agreed on. */
export interface HandshakeFacts {
  readonly agentVersion: string
  readonly sessionType: string
  readonly properties: Readonly<Record<string, string>>
  readonly cipher: SessionCipher | undefined
  readonly customerMessage: string
}

export type HandshakeEvent =
  | {
      readonly type: 'need-key'
      readonly epoch: number
      readonly keyId: string
      readonly context: Readonly<Record<string, string>>
    }
  | { readonly type: 'send'; readonly payloadType: number; readonly payload: Uint8Array }
  | { readonly type: 'complete'; readonly facts: HandshakeFacts }
  /** It cannot succeed any more; what was to be sent before this still should be. */
  | { readonly type: 'failed'; readonly error: PgctlError }

/**
 * The client's part of the handshake.
 *
 *     agent                                   client
 *      │ HandshakeRequest (repeated) ──────────► │ ── need-key ──► KMS, if the session is encrypted
 *      │ ◄─────────────────── HandshakeResponse  │ ◄─ key ───────
 *      │ EncChallengeRequest ──────────────────► │
 *      │ ◄───────────────── EncChallengeResponse │
 *      │ HandshakeComplete ────────────────────► │ complete
 *
 * A request that comes again changes nothing, neither does a second completion: both happen when acknowledgements
 * are lost. KMS is asked once a WebSocket; the epoch of an answer says which question it belongs to.
 */
export class Handshake {
  readonly #options: HandshakeOptions
  readonly #events = new Fifo<HandshakeEvent>()

  // One variable a dimension.
  #request: HandshakeRequest | undefined
  #key: 'none' | 'due' | 'asked' | 'held' | 'failed' = 'none'
  #responded = false
  #outcome: 'open' | 'complete' | 'failed' = 'open'

  #epoch = 0
  #cipher: SessionCipher | undefined
  #openingUntil: Ms | undefined
  #completeUntil: Ms | undefined
  #keyUntil: Ms | undefined

  constructor(options: HandshakeOptions) {
    this.#options = options
  }

  /** Whether the agent has begun one. */
  get hasBegun(): boolean {
    return this.#request !== undefined
  }

  get isComplete(): boolean {
    return this.#outcome === 'complete'
  }

  pollEvent(): HandshakeEvent | undefined {
    return this.#events.shift()
  }

  // ── the transport and time ──────────────────────────────────────────────────────────────────────────────────────

  transportUp(now: Instant): void {
    if (this.#outcome !== 'open') return
    if (this.#request === undefined) this.#openingUntil = now.mono + OPENING_PATIENCE
    if (this.#key === 'due') this.#askForKey()
  }

  /** An answer to a question from before this belongs to nobody. */
  transportDown(): void {
    if (this.#key === 'asked') this.#key = 'due'
  }

  /** The session turned out to begin without one; one that comes later still counts. */
  waive(): void {
    this.#openingUntil = undefined
  }

  /** When (`mono`) the next patience ends. */
  deadline(): Ms | undefined {
    return this.#openingUntil ?? this.#keyUntil ?? this.#completeUntil
  }

  tick(now: Instant): void {
    if (isPast(this.#openingUntil, now)) {
      this.#fail(timedOut('the agent did not begin the session', OPENING_PATIENCE))
    } else if (isPast(this.#keyUntil, now)) {
      this.#keyRefused(keyTimedOut())
    } else if (isPast(this.#completeUntil, now)) {
      this.#fail(timedOut('the agent did not complete the handshake', HANDSHAKE_PATIENCE))
    }
  }

  // ── what the agent says ─────────────────────────────────────────────────────────────────────────────────────────

  /** Takes a handshake payload; false: it has no place here and was ignored. @throws PgctlError for a broken one. */
  receive(payloadType: number, payload: Uint8Array, now: Instant): boolean {
    if (this.#outcome !== 'open') return false
    if (payloadType === PAYLOAD_HANDSHAKE_REQUEST) return this.#begin(payload, now)
    if (payloadType === PAYLOAD_CHALLENGE_REQUEST) return this.#answerChallenge(payload)
    return payloadType === PAYLOAD_HANDSHAKE_COMPLETE && this.#complete(payload)
  }

  #begin(payload: Uint8Array, now: Instant): boolean {
    if (this.#request !== undefined) return false
    const request = decodeHandshakeRequest(payload)
    this.#request = request
    this.#openingUntil = undefined
    this.#completeUntil = now.mono + HANDSHAKE_PATIENCE
    const sessionType = sessionTypeOf(request)
    if (!TYPES_OF_KIND[this.#options.kind].includes(sessionType)) {
      this.#respond(undefined, `This client asked for no ${sessionType} session`)
      this.#fail(wrongType(sessionType, this.#options.kind))
    } else if (keyIdOf(request) === undefined) {
      this.#respond(undefined, '')
    } else {
      this.#keyUntil = now.mono + KEY_PATIENCE
      this.#askForKey()
    }
    return true
  }

  #answerChallenge(payload: Uint8Array): boolean {
    if (this.#cipher === undefined) return false
    const answer = this.#cipher.answerChallenge(decodeChallenge(payload))
    this.#send(PAYLOAD_CHALLENGE_RESPONSE, encodeChallenge(answer))
    return true
  }

  #complete(payload: Uint8Array): boolean {
    // Before our answer it cannot be about this handshake, and would leave an encrypted session in the clear.
    if (this.#request === undefined || !this.#responded) return false
    const { customerMessage } = decodeHandshakeComplete(payload)
    this.#outcome = 'complete'
    this.#stopClocks()
    this.#events.push({
      type: 'complete',
      facts: {
        agentVersion: this.#request.agentVersion,
        sessionType: sessionTypeOf(this.#request),
        properties: propertiesOf(this.#request),
        cipher: this.#cipher,
        customerMessage,
      },
    })
    return true
  }

  /** What a session fails with whose agent sends data too early. */
  static dataTooEarly(): PgctlError {
    return new PgctlError('protocol-violation', 'the agent sent data before its handshake was complete', {
      next: 'run the command again; if it fails so again, report it with the version of the agent (pgctl status, or aws ssm describe-instance-information)',
    })
  }

  // ── the data key ────────────────────────────────────────────────────────────────────────────────────────────────

  keyReady(epoch: number, key: DataKey): void {
    if (this.#key !== 'asked' || epoch !== this.#epoch) return
    if (key.plaintext.length !== DATA_KEY_BYTES) {
      this.#keyRefused(wrongKey(key.plaintext.length))
      return
    }
    this.#cipher = new SessionCipher('client', key.plaintext, this.#options.random)
    this.#key = 'held'
    this.#keyUntil = undefined
    this.#respond(key.ciphertext, '')
  }

  keyFailed(epoch: number, error: PgctlError): void {
    if (this.#key === 'asked' && epoch === this.#epoch) this.#keyRefused(error)
  }

  #askForKey(): void {
    this.#key = 'asked'
    this.#epoch++
    const { sessionId, targetId } = this.#options
    this.#events.push({
      type: 'need-key',
      epoch: this.#epoch,
      keyId: keyIdOf(this.#request as HandshakeRequest) as string,
      context: { [KMS_CONTEXT_SESSION_ID]: sessionId, [KMS_CONTEXT_TARGET_ID]: targetId },
    })
  }

  #keyRefused(error: PgctlError): void {
    this.#key = 'failed'
    this.#respond(undefined, 'The client has no data key for the session')
    this.#fail(error)
  }

  // ── what the client says ────────────────────────────────────────────────────────────────────────────────────────

  /** One answer to every action, in the order of the request. `refusal`: why the known ones cannot be done. */
  #respond(cipherTextKey: Uint8Array | undefined, refusal: string): void {
    const request = this.#request as HandshakeRequest
    const actions = request.actions.map((action) => this.#process(action, cipherTextKey, refusal))
    this.#responded = true
    this.#send(
      PAYLOAD_HANDSHAKE_RESPONSE,
      encodeHandshakeResponse({ clientVersion: CLIENT_VERSION, actions }),
    )
  }

  #process(action: RequestedAction, cipherTextKey: Uint8Array | undefined, refusal: string): ProcessedAction {
    const name = actionName(action)
    if (action.type === 'unknown')
      return { name, status: ACTION_UNSUPPORTED, error: `Unsupported action ${name}` }
    const concerned = (action.type === 'kms-encryption') === (this.#key === 'failed')
    if (refusal !== '' && concerned) return { name, status: ACTION_FAILED, error: refusal }
    const key = action.type === 'kms-encryption' ? cipherTextKey : undefined
    return { name, status: ACTION_SUCCEEDED, cipherTextKey: key, error: '' }
  }

  #send(payloadType: number, payload: Uint8Array): void {
    this.#events.push({ type: 'send', payloadType, payload })
  }

  #fail(error: PgctlError): void {
    this.#outcome = 'failed'
    this.#stopClocks()
    this.#events.push({ type: 'failed', error })
  }

  #stopClocks(): void {
    this.#openingUntil = undefined
    this.#keyUntil = undefined
    this.#completeUntil = undefined
  }
}

function sessionTypeOf(request: HandshakeRequest): string {
  return request.actions.find((action) => action.type === 'session-type')?.sessionType ?? 'nameless'
}

function propertiesOf(request: HandshakeRequest): Readonly<Record<string, string>> {
  return request.actions.find((action) => action.type === 'session-type')?.properties ?? {}
}

function keyIdOf(request: HandshakeRequest): string | undefined {
  return request.actions.find((action) => action.type === 'kms-encryption')?.keyId
}

function isPast(moment: Ms | undefined, now: Instant): boolean {
  return moment !== undefined && now.mono >= moment
}

function keyTimedOut(): PgctlError {
  return new PgctlError(
    'encryption-failed',
    `KMS gave no data key for the session in ${KEY_PATIENCE / 1000} s`,
    {
      next: 'check the way to KMS, and that kms:GenerateDataKey is allowed on the key',
    },
  )
}

function wrongKey(length: Bytes): PgctlError {
  return new PgctlError(
    'encryption-failed',
    `KMS gave a data key of ${length} bytes for the session instead of ${DATA_KEY_BYTES}`,
    { next: 'report this with the name of the KMS key' },
  )
}

function timedOut(what: string, patience: Ms): PgctlError {
  return new PgctlError('handshake-failed', `${what} within ${patience / 1000} s`, {
    next: 'see whether the instance is up and its agent online (pgctl status, or aws ssm describe-instance-information); then run the command again',
  })
}

function wrongType(sessionType: string, kind: SessionKind): PgctlError {
  return new PgctlError(
    'handshake-failed',
    `the agent began a ${sessionType} session instead of a ${kind} one`,
    {
      next: 'check which session document was asked for',
    },
  )
}
