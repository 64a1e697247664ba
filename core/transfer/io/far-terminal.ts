import { Writable } from 'node:stream'
import { PgctlError } from '#core/errors.ts'
import type { SessionContext, SessionLife } from '#core/ssm/io/session.ts'
import { failureOf, TerminalRun } from '#core/ssm/io/terminal-run.ts'
import { parseAnswer, type UploadAnswer } from '#core/transfer/answers.ts'
import { farFailure } from '#core/transfer/far-failure.ts'

export interface FarTerminalOptions {
  readonly context: SessionContext
  readonly target: string
  readonly command: string
  /** What is copied to, for errors. */
  readonly path: string
  readonly reason?: string | undefined
  readonly onLife?: ((event: SessionLife) => void) | undefined
}

/** A script on a terminal of the bastion: bytes to it, at the speed at which it takes them, and its answers. */
export class FarTerminal implements AsyncDisposable {
  readonly #run: TerminalRun
  readonly #state: TerminalState

  private constructor(run: TerminalRun, state: TerminalState) {
    this.#run = run
    this.#state = state
  }

  static async start(options: FarTerminalOptions, signal: AbortSignal): Promise<FarTerminal> {
    const { context, target, command, reason, onLife } = options
    const state = new TerminalState(options.path)
    const run = await TerminalRun.start(
      {
        context,
        request: {
          target,
          document: 'AWS-StartInteractiveCommand',
          parameters: { command: [command] },
          reason,
        },
        stdout: state.output,
        stderr: state.output,
        bulkInput: true,
        onLife,
        onInputFull: (full) => state.setFull(full),
      },
      signal,
    )
    signal.addEventListener('abort', () => state.fail(signal.reason), { once: true })
    if (signal.aborted) state.fail(signal.reason)
    void run.outcome.then((outcome) => state.fail(failureOf(outcome) ?? ended()))
    return new FarTerminal(run, state)
  }

  /** Resolves when more may be sent. @throws what has ended the script, or the copy. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#state.failure !== undefined) throw this.#state.failure
    this.#run.type(bytes)
    // The session answers in the microtask that this has queued.
    await Promise.resolve()
    await Promise.resolve()
    await this.#state.writable()
  }

  sendLine(line: string): Promise<void> {
    return this.send(Buffer.from(`${line}\n`))
  }

  /** The next answer, which must be of this type. @throws what the script has failed with. */
  async answer<Type extends UploadAnswer['type']>(
    type: Type,
  ): Promise<Extract<UploadAnswer, { type: Type }>> {
    const answer = await this.#state.next()
    if (answer.type !== type)
      throw new PgctlError('copy-corrupt', `the far side answered ${answer.type} instead of ${type}`, {
        next: 'run the command again',
      })
    return answer as Extract<UploadAnswer, { type: Type }>
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#run[Symbol.asyncDispose]()
  }
}

/** What has been said, and whether more may be. A failure is final. */
class TerminalState {
  readonly output: Writable
  failure: unknown
  readonly #path: string
  readonly #answers: UploadAnswer[] = []
  readonly #waiting = new Set<() => void>()
  #line: Uint8Array[] = []
  #full = false

  constructor(path: string) {
    this.#path = path
    this.output = new Writable({
      write: (chunk: Uint8Array, _encoding, callback) => {
        this.#read(chunk)
        callback()
      },
    })
  }

  fail(error: unknown): void {
    this.failure ??= error
    this.#wake()
  }

  setFull(full: boolean): void {
    this.#full = full
    if (!full) this.#wake()
  }

  async writable(): Promise<void> {
    while (this.#full && this.failure === undefined) await this.#change()
    if (this.failure !== undefined) throw this.failure
  }

  async next(): Promise<UploadAnswer> {
    for (;;) {
      const answer = this.#answers.shift()
      if (answer !== undefined) return answer
      if (this.failure !== undefined) throw this.failure
      await this.#change()
    }
  }

  #read(chunk: Uint8Array): void {
    let at = 0
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, at)) {
      this.#line.push(chunk.slice(at, end))
      const line = Buffer.concat(this.#line).toString('latin1').replace(/\r$/, '')
      this.#line = []
      at = end + 1
      if (line !== '') this.#take(line)
    }
    if (at < chunk.length) this.#line.push(chunk.slice(at))
  }

  #take(line: string): void {
    if (this.failure !== undefined) return
    try {
      const answer = parseAnswer(line)
      if (answer.type === 'failed') this.fail(farFailure(this.#path, answer.status, answer.why, undefined))
      else this.#answers.push(answer)
    } catch (error) {
      this.fail(error)
    }
    this.#wake()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

function ended(): PgctlError {
  return new PgctlError('session-ended', 'the copy was cut short: the command on the bastion has ended', {
    next: 'run the command again: it goes on where it was',
  })
}
