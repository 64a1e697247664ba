import type { Writable } from 'node:stream'
import type { Clock, Instant } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { Session, type SessionContext, type SessionLife } from '#core/ssm/io/session.ts'
import type {
  SessionEnd,
  SessionFacts,
  SessionWarning,
  TerminalInput,
  TerminalOutput,
} from '#core/ssm/machine.ts'
import type { TerminalSize } from '#core/ssm/payloads.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'
import { TerminalSession } from '#core/ssm/terminal-session.ts'

export interface TerminalRunOptions {
  readonly context: SessionContext
  readonly request: SessionRequest
  readonly stdout: Writable
  readonly stderr: Writable
  /** The size from the first prompt on; undefined for a command without a terminal. */
  readonly size?: TerminalSize | undefined
  /** Whether a program reads what is typed; see {@link TerminalSession}. */
  readonly bulkInput?: boolean | undefined
  readonly onReady?: ((facts: SessionFacts) => void) | undefined
  readonly onLife?: ((event: SessionLife) => void) | undefined
  readonly onWarning?: ((warning: SessionWarning) => void) | undefined
  /** Whether what is typed has to wait until the session has sent what it was given. */
  readonly onInputFull?: ((full: boolean) => void) | undefined
}

export interface TerminalOutcome {
  readonly end: SessionEnd
  /** The command's own exit status; undefined where the agent told none. */
  readonly status: number | undefined
}

/** One shell or command on a bastion, its output going to two streams at the speed that these take it. */
export class TerminalRun implements AsyncDisposable {
  /** Resolves when the session has ended, its output is written and it is terminated. */
  readonly outcome: Promise<TerminalOutcome>
  readonly #session: Session<TerminalInput, TerminalOutput>
  readonly #clock: Clock

  private constructor(
    session: Session<TerminalInput, TerminalOutput>,
    outcome: Promise<TerminalOutcome>,
    clock: Clock,
  ) {
    this.#session = session
    this.outcome = outcome
    this.#clock = clock
  }

  /** @throws PgctlError when the session cannot be started or opened. */
  static async start(options: TerminalRunOptions, signal?: AbortSignal): Promise<TerminalRun> {
    const { context, request, size, bulkInput } = options
    let status: number | undefined
    const unwritten = new Unwritten()
    const started: { session?: Session<TerminalInput, TerminalOutput> } = {}
    const session = await Session.start<TerminalInput, TerminalOutput>(
      context,
      {
        request,
        createMachine: (session) => new TerminalSession({ ...session, size, bulkInput }),
        onLife: options.onLife,
        onOutput(event) {
          if (event.type === 'exit') status = event.status
          else if (event.type === 'ready') options.onReady?.(event.facts)
          else if (event.type === 'warning') options.onWarning?.(event.warning)
          else if (event.type === 'input-full' || event.type === 'input-writable')
            options.onInputFull?.(event.type === 'input-full')
          else if (event.type === 'output') {
            const { bytes, stream } = event
            unwritten.write(options[stream], bytes, () =>
              started.session?.feed({ type: 'output-consumed', length: bytes.length }),
            )
          }
        },
      },
      signal,
    )
    started.session = session
    return new TerminalRun(
      session,
      session.done.then(async (end) => {
        await unwritten.none()
        return { end, status }
      }),
      context.clock,
    )
  }

  /** Sends what was typed, as it is. */
  type(bytes: Uint8Array): void {
    this.#session.feed({ type: 'input', bytes })
  }

  /** When something last passed, either way; undefined while nothing has. */
  lastActivity(): Instant | undefined {
    const wall = this.#session.stats().lastActivity
    if (wall === undefined) return undefined
    const now = this.#clock.now()
    return { mono: now.mono - (now.wall - wall), wall }
  }

  resize(size: TerminalSize): void {
    this.#session.feed({ type: 'resize', size })
  }

  /** Ends the session from this side. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.close()
  }
}

/** Why a terminal session did not end as its user would expect, or undefined when it did. */
export function failureOf({ end }: TerminalOutcome): PgctlError | undefined {
  if (end.how === 'failed') return end.error
  // A shell or command that has ended is told without a word; the service says why it ended one.
  const why = end.how === 'far-end' ? end.output.trim() : ''
  if (why === '') return undefined
  return new PgctlError('session-ended', 'the session was ended by the other side', {
    why,
    next: 'run the command again for a new session',
  })
}

/** Output that streams have not taken yet; a kilobyte a message is too little for a promise each. */
class Unwritten {
  #count = 0
  #wake: (() => void) | undefined

  /** `taken` is called when the stream has taken the bytes, also when it never will. */
  write(stream: Writable, bytes: Uint8Array, taken: () => void): void {
    this.#count++
    stream.write(bytes, () => {
      this.#count--
      taken()
      if (this.#count === 0) this.#wake?.()
    })
  }

  async none(): Promise<void> {
    while (this.#count > 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
  }
}
