import type { Clock, Ms, RandomBytes } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { ClusterCredentials, ClusterEndpoint } from '#core/kube/credentials.ts'
import { encodeAnswer, FarWordReader } from '#core/kube/operator-line.ts'
import { isWordMac, sealAnswer, sealForHello } from '#core/kube/operator-seal.ts'

/** What a shell on the bastion is told at its beginning. */
export interface Welcome {
  readonly installation: string
  readonly namespace: string
  /** Base64url; what later requests are made with. */
  readonly secret: string
  readonly cluster: ClusterEndpoint
}

/** Why there is no welcome; with what to say that this was heard. */
export interface Refusal {
  readonly error: string
  readonly secret: string
}

/** The answer to a request: a token, or why there is none. */
export type TokenAnswer = { readonly token: string; readonly expires: number } | { readonly error: string }

export interface DeskOptions {
  readonly installation: string
  readonly namespace: string
  /** Undefined for an operator who gives no rights away. */
  readonly credentials: ClusterCredentials | undefined
  readonly random: RandomBytes
  readonly clock: Clock
  readonly signal: AbortSignal
}

const NEWLINES: ReadonlySet<number> = new Set([0x0a, 0x0d])
/** A login shell says hello within this time, however slow its computer is. */
const BEGINNING: Ms = 15_000
/** A program that asks without end must not keep the cloud busy, or the terminal. */
const MOST_REQUESTS = 1_000

export interface Overheard {
  /** What of the output is for the person. */
  readonly shown: Uint8Array
  /** What is to be typed; keys wait until the far side is done with it. */
  readonly answer?: Promise<string>
  /** It is done: so many of the keys that came before the answer are to be typed again. */
  readonly done?: number
}

/**
 * The near end of the line: watches what a login shell prints, and answers the one that said hello, with tokens of the
 * operator who sits here. Nothing is kept: when the login ends, nobody answers any more.
 */
export class OperatorDesk {
  readonly #options: DeskOptions
  readonly #reader = new FarWordReader()
  readonly #asked = new Set<string>()
  readonly #since: Ms
  #secret: Uint8Array | undefined
  #open = true
  #hasTypedLine = false

  constructor(options: DeskOptions) {
    this.#options = options
    this.#since = options.clock.now().mono
  }

  /** What is typed only runs once the shell's beginning is over: long after it, a hello may be in a file. */
  typed(bytes: Uint8Array): void {
    this.#hasTypedLine ||= bytes.some((byte) => NEWLINES.has(byte))
  }

  output(output: Uint8Array): Overheard {
    const { shown, words } = this.#reader.take(output)
    for (const word of words) {
      if (word.kind === 'hello' && this.#mayGreet()) return { shown, answer: this.#welcome(word.key) }
      if (word.kind === 'token' && this.#mayAsk(word.nonce, word.mac))
        return { shown, answer: this.#token(word.nonce, this.#secret as Uint8Array) }
      if (word.kind === 'done' && this.#isOurs('done', word.count, word.mac))
        return { shown, done: word.count }
    }
    return { shown }
  }

  /** The first hello of a session alone counts, and only at its beginning. */
  #mayGreet(): boolean {
    if (!this.#open) return false
    this.#open = false
    return !this.#hasTypedLine || this.#options.clock.now().mono - this.#since <= BEGINNING
  }

  #isOurs(kind: 'token' | 'done', about: string | number, mac: string): boolean {
    return this.#secret !== undefined && isWordMac(this.#secret, kind, about, mac)
  }

  #mayAsk(nonce: string, mac: string): boolean {
    if (!this.#isOurs('token', nonce, mac)) return false
    if (this.#asked.has(nonce) || this.#asked.size >= MOST_REQUESTS) return false
    this.#asked.add(nonce)
    return true
  }

  async #welcome(key: string): Promise<string> {
    const { installation, namespace, random, signal } = this.#options
    const secret = random(32)
    this.#secret = secret
    const thanks = Buffer.from(secret).toString('base64url')
    let content: Welcome | Refusal
    try {
      const cluster = await this.#rights().endpoint(signal)
      content = { installation, namespace, secret: thanks, cluster }
    } catch (error) {
      content = { error: messageOf(error), secret: thanks }
    }
    return encodeAnswer(sealForHello(key, content))
  }

  #rights(): ClusterCredentials {
    const { credentials } = this.#options
    if (credentials !== undefined) return credentials
    throw new PgctlError('not-supported', 'the operator has come in with --no-token')
  }

  async #token(nonce: string, secret: Uint8Array): Promise<string> {
    let content: TokenAnswer
    try {
      const { value, expires } = await this.#rights().token({ signal: this.#options.signal })
      content = { token: value, expires }
    } catch (error) {
      content = { error: messageOf(error) }
    }
    return encodeAnswer(sealAnswer(secret, nonce, content))
  }
}
