import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { PgctlError } from '#core/errors.ts'
import { AnswerReader, encodeFarWord, type FarWord } from '#core/kube/operator-line.ts'
import { wordMac } from '#core/kube/operator-seal.ts'

/** Tenths of a second that the terminal waits for the next key: the longest that one exchange goes without a byte. */
const PATIENCE = { hello: 30, ask: 200, done: 0 } as const satisfies Record<FarWord['kind'], number>
const NO_TERMINAL = {
  next: 'ask for it in a shell that `pgctl login` has opened, not in a job or behind tmux',
}

/** What an answer says, and the secret that it is thanked with. */
export interface Opened<T> {
  readonly said: T
  readonly secret: Uint8Array
}

/**
 * Says a word to the `pgctl login` at the other end of this terminal, and takes its answer from what is typed: byte by
 * byte, so that a key that is pressed after it is left for whoever reads next; those before it are typed again. The
 * terminal is as before when this returns or throws.
 * @throws PgctlError `not-supported` where there is no terminal, `timed-out` where nobody answers; what `open` throws.
 */
export function askOperator<T>(word: FarWord, open: (sealed: string) => Opened<T>): T {
  const terminal = openTerminal()
  const stty = (...words: string[]) =>
    execFileSync('stty', words, { stdio: [terminal, 'pipe', 'ignore'], encoding: 'utf8' }).trim()
  const before = stty('-g')
  let thanks = ''
  try {
    stty('-icanon', '-echo', 'min', '0', 'time', String(PATIENCE[word.kind]))
    writeSync(terminal, encodeFarWord(word))
    const { sealed, before: count } = readAnswer(terminal)
    const { said, secret } = open(sealed)
    thanks = encodeFarWord({ kind: 'done', count, mac: wordMac(secret, 'done', count) })
    return said
  } finally {
    stty(before)
    // Keys that are typed again should find the terminal as it was.
    writeSync(terminal, thanks)
    closeSync(terminal)
  }
}

function openTerminal(): number {
  try {
    return openSync('/dev/tty', 'r+')
  } catch (error) {
    throw new PgctlError('not-supported', "the operator's rights cannot be asked for here", {
      ...{ why: 'there is no terminal', ...NO_TERMINAL, cause: error },
    })
  }
}

function readAnswer(terminal: number): { readonly sealed: string; readonly before: number } {
  const reader = new AnswerReader()
  const byte = Buffer.alloc(1)
  while (readSync(terminal, byte) > 0) {
    const answer = reader.take(byte[0] as number)
    if (answer !== undefined) return answer
  }
  throw new PgctlError('timed-out', 'nobody has answered in this terminal', {
    why: 'the program at its other end is not `pgctl login`, or does not give its rights away',
    next: 'leave this shell, and come in by pgctl login',
  })
}
