import type { Clock, Ms, RandomBytes } from '#core/clock.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { ClusterEndpoint, ClusterToken } from '#core/kube/credentials.ts'
import { encodeAnswer, type FarWord, FarWordReader } from '#core/kube/operator-line.ts'
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

/** The answer to a request, or why there is none. */
export type Answer =
  | { readonly token: string; readonly expires: number }
  | { readonly datastores: unknown }
  | { readonly error: string }

/** What an operator lets their shell on the bastion do in their name. */
export interface OperatorRights {
  endpoint(signal: AbortSignal): Promise<ClusterEndpoint>
  token(signal: AbortSignal): Promise<ClusterToken>
  /** As discovery finds them. */
  datastores(signal: AbortSignal): Promise<unknown>
}

export interface DeskOptions {
  readonly installation: string
  readonly namespace: string
  /** Undefined for an operator who gives none away. */
  readonly rights: OperatorRights | undefined
  readonly random: RandomBytes
  readonly clock: Clock
  readonly signal: AbortSignal
}

const NEWLINES: ReadonlySet<number> = new Set([0x0a, 0x0d])
/** A login shell says hello within this time, however slow its computer is. */
const BEGINNING: Ms = 15_000
/** A program that asks without end must not keep the cloud busy, or the terminal. */
const MOST_REQUESTS = 1_000

type Ask = Extract<FarWord, { kind: 'ask' }>

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
      if (word.kind === 'ask' && this.#mayAsk(word))
        return { shown, answer: this.#answer(word, this.#secret as Uint8Array) }
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

  #isOurs(kind: 'ask' | 'done', about: string | number, mac: string): boolean {
    return this.#secret !== undefined && isWordMac(this.#secret, kind, about, mac)
  }

  #mayAsk({ what, nonce, mac }: Ask): boolean {
    if (!this.#isOurs('ask', `${what}:${nonce}`, mac)) return false
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

  #rights(): OperatorRights {
    const { rights } = this.#options
    if (rights !== undefined) return rights
    throw new PgctlError('not-supported', 'the operator has come in with --no-token')
  }

  async #answer({ what, nonce }: Ask, secret: Uint8Array): Promise<string> {
    const { signal } = this.#options
    let content: Answer
    try {
      if (what === 'token') {
        const { value, expires } = await this.#rights().token(signal)
        content = { token: value, expires }
      } else content = { datastores: await this.#rights().datastores(signal) }
    } catch (error) {
      content = { error: messageOf(error) }
    }
    return encodeAnswer(sealAnswer(secret, nonce, content))
  }
}
