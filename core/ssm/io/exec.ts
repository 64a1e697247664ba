import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { quoteWords } from '#core/ssm/command-line.ts'
import { failureOf, TerminalRun, type TerminalRunOptions } from '#core/ssm/io/terminal-run.ts'

/** What Ctrl-C is on the wire; the agent turns it into SIGINT for the command. */
const INTERRUPT = 3
/** What the agent tells of a command that a signal has killed, and what a shell would have told of ours. */
const KILLED_BY_SIGNAL = -1
const INTERRUPTED = 130
/** How long an interrupted command may take to end before its session is ended instead. */
const INTERRUPT_GRACE: Ms = 5_000

export interface ExecOptions extends Omit<TerminalRunOptions, 'request' | 'size'> {
  readonly target: string
  /** The command and its arguments; run without a shell. */
  readonly words: readonly string[]
  readonly reason?: string | undefined
}

/**
 * Runs one command on the bastion and returns its own exit status. An abort interrupts the command there and waits
 * for what it makes of that.
 * @throws PgctlError when the session fails, or ends without an exit status.
 */
export async function runCommand(options: ExecOptions, signal: AbortSignal): Promise<number> {
  const { context, target, words, reason } = options
  await using run = await TerminalRun.start(
    {
      ...options,
      request: {
        target,
        document: 'AWS-StartNonInteractiveCommand',
        parameters: { command: [quoteWords(words)], separateOutputStream: ['true'] },
        reason,
      },
    },
    signal,
  )
  const settled = new AbortController()
  const outcome = await Promise.race([
    run.outcome,
    interruptedFor(run, context.clock, signal, settled.signal),
  ])
  settled.abort()
  if (outcome === undefined) throw signal.reason
  // All output goes before the status: once that is known, the result is whole, however the session ended.
  const { status } = outcome
  if (status !== undefined) return status === KILLED_BY_SIGNAL && signal.aborted ? INTERRUPTED : status
  throw (
    failureOf(outcome) ??
    new PgctlError('session-ended', `the command on ${target} ended without an exit status`, {
      why: 'the agent is too old to tell one (before 3.2)',
      next: 'see the session history of the account, or run it in a shell: pgctl login',
    })
  )
}

/** Resolves when the signal has aborted and the command has not ended within the grace. */
async function interruptedFor(
  run: TerminalRun,
  clock: Clock,
  signal: AbortSignal,
  settled: AbortSignal,
): Promise<undefined> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true, signal: settled })
    settled.addEventListener('abort', () => resolve(), { once: true })
  })
  if (settled.aborted) return
  run.type(Uint8Array.of(INTERRUPT))
  await sleep(clock, INTERRUPT_GRACE, settled).catch(() => {})
}
