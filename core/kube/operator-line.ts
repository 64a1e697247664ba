/**
 * The words that a program on the bastion and the `pgctl login` of whoever sits there have for each other. They travel
 * in the session itself, as operating system commands of the terminal (`ESC ] … BEL`), which every other terminal
 * leaves out; so the operator's own rights reach the bastion without a port, a file or a role of the bastion.
 *
 * ```
 *   far → near   ESC ] 7461;pgctl;hello;KEY BEL         a shell begins, and this is its public key
 *   far → near   ESC ] 7461;pgctl;ask;WHAT;NONCE;MAC BEL  a token of the cluster, please, or what datastores there are
 *   near → far   ESC ] 7461;pgctl;SEALED BEL            the answer to either, typed
 *   far → near   ESC ] 7461;pgctl;done;COUNT;MAC BEL    thank you; COUNT keys came before it, and have to be typed again
 * ```
 *
 * Whatever is printed in a terminal could say the same, a file that somebody looks at included. So a hello counts only
 * at the beginning of a session, and the rest only with a digest under the secret that answered the hello.
 */
export type FarWord =
  | { readonly kind: 'hello'; readonly key: string }
  | { readonly kind: 'ask'; readonly what: Asked; readonly nonce: string; readonly mac: string }
  | { readonly kind: 'done'; readonly count: number; readonly mac: string }

/** What a shell may ask its operator for. */
export type Asked = 'token' | 'datastores'

const PREFIX = '\u001b]7461;pgctl;'
const BEL = 0x07
/** A word is short; what is longer is none, and is shown. */
const LONGEST_WORD = 256
/** An answer holds a token with a session's credentials, a certificate, or a list of datastores. */
export const LONGEST_ANSWER = 65_536

const MAC = '[A-Za-z0-9_-]{43}'
const HELLO = new RegExp(`^hello;(${MAC})$`)
const ASK = new RegExp(`^ask;(token|datastores);([A-Za-z0-9_-]{16,64});(${MAC})$`)
const DONE = new RegExp(`^done;(\\d{1,5});(${MAC})$`)
const ANSWER = /^[\w-]+$/

export function encodeFarWord(word: FarWord): string {
  return `${PREFIX}${[word.kind, ...fieldsOf(word)].join(';')}\u0007`
}

function fieldsOf(word: FarWord): (string | number)[] {
  switch (word.kind) {
    case 'hello':
      return [word.key]
    case 'ask':
      return [word.what, word.nonce, word.mac]
    case 'done':
      return [word.count, word.mac]
  }
}

export function encodeAnswer(sealed: string): string {
  return `${PREFIX}${sealed}\u0007`
}

/** Takes an answer out of what is typed, byte by byte, so that nothing is taken that comes after it. */
export class AnswerReader {
  #text = ''
  #taken = 0

  /** What was sealed, once it is there, and how many keys came before it. */
  take(byte: number): { readonly sealed: string; readonly before: number } | undefined {
    this.#taken++
    this.#text = (this.#text + String.fromCharCode(byte)).slice(-LONGEST_ANSWER)
    if (byte !== BEL) return undefined
    const start = this.#text.lastIndexOf(PREFIX)
    const sealed = start === -1 ? '' : this.#text.slice(start + PREFIX.length, -1)
    if (!ANSWER.test(sealed)) return undefined
    return { sealed, before: this.#taken - (this.#text.length - start) }
  }
}

export interface Heard {
  /** What is left for the person to see. */
  readonly shown: Uint8Array
  readonly words: readonly FarWord[]
}

/** Takes the words out of what the far side prints, in whatever pieces that comes. */
export class FarWordReader {
  #held: number[] = []

  take(output: Uint8Array): Heard {
    // Nearly all output has none.
    if (this.#held.length === 0 && !output.includes(ESC)) return { shown: output, words: [] }
    const shown = new Uint8Array(this.#held.length + output.length)
    let length = 0
    const words: FarWord[] = []
    const giveBack = () => {
      shown.set(this.#held, length)
      length += this.#held.length
      this.#held = []
    }
    for (const byte of output) {
      if (this.#held.length >= PREFIX.length && byte === BEL) {
        const word = parseWord(String.fromCharCode(...this.#held.slice(PREFIX.length)))
        if (word === undefined) {
          giveBack()
          shown[length++] = byte
        } else {
          words.push(word)
          this.#held = []
        }
      } else if (this.#fits(byte)) this.#held.push(byte)
      else {
        giveBack()
        if (byte === ESC) this.#held.push(byte)
        else shown[length++] = byte
      }
    }
    return { shown: shown.subarray(0, length), words }
  }

  /** Whether a word may still become of what is held and this byte. */
  #fits(byte: number): boolean {
    const at = this.#held.length
    if (at < PREFIX.length) return byte === PREFIX.charCodeAt(at)
    return at < LONGEST_WORD && byte > 0x20 && byte < 0x7f
  }
}

const ESC = 0x1b

function parseWord(text: string): FarWord | undefined {
  const hello = HELLO.exec(text)
  if (hello !== null) return { kind: 'hello', key: hello[1] as string }
  const ask = ASK.exec(text)
  if (ask !== null) {
    const [, what, nonce, mac] = ask as unknown as [string, Asked, string, string]
    return { kind: 'ask', what, nonce, mac }
  }
  const done = DONE.exec(text)
  return done === null ? undefined : { kind: 'done', count: Number(done[1]), mac: done[2] as string }
}
