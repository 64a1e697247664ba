import type { ReadStream, WriteStream } from 'node:tty'
import { type EscapeState, watchForEscape } from '#core/ssm/escape.ts'
import { LocalTerminal } from '#core/ssm/io/terminal.ts'
import { failureOf, TerminalRun, type TerminalRunOptions } from '#core/ssm/io/terminal-run.ts'

export interface LoginOptions extends Omit<TerminalRunOptions, 'stdout' | 'stderr' | 'size' | 'onInputFull'> {
  readonly input: ReadStream
  readonly output: WriteStream
  /** Told how to put the terminal back at once, for the last moment of a process. */
  readonly onRaw: (restore: () => void) => void
  /** The shell is there; what is returned is called when it is not any more. */
  readonly onStarted?: ((run: Pick<TerminalRun, 'lastActivity'>) => () => void) | undefined
}

/**
 * A shell on the bastion in the person's own terminal, until either side ends it; `~.` leaves one that hangs.
 * The terminal is as before when this returns or throws.
 */
export async function runLogin(options: LoginOptions, signal: AbortSignal): Promise<void> {
  const { input, output } = options
  const terminal = new LocalTerminal(input, output)
  const size = terminal.size
  const run = await TerminalRun.start(
    {
      ...options,
      stdout: output,
      stderr: output,
      size,
      onInputFull: (full) => (full ? input.pause() : input.resume()),
    },
    signal,
  )
  const stopped = options.onStarted?.(run)
  const left = Promise.withResolvers<void>()
  let progress: EscapeState = 'line-start'
  const onData = (typed: Buffer) => {
    const { state, bytes, leave } = watchForEscape(progress, typed)
    progress = state
    if (bytes.length > 0) run.type(bytes)
    if (leave) left.resolve()
  }
  const onAbort = () => left.resolve()
  const stopResizing = terminal.onResize((size) => run.resize(size))
  // A window that was resized while the session opened told nobody.
  if (terminal.size.columns !== size.columns || terminal.size.rows !== size.rows) run.resize(terminal.size)
  options.onRaw(() => terminal.restore())
  try {
    terminal.enterRaw()
    input.on('data', onData)
    input.once('end', onAbort)
    input.on('error', onAbort)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) left.resolve()
    const outcome = await Promise.race([run.outcome, left.promise])
    const failure = outcome === undefined ? undefined : failureOf(outcome)
    // The far side's cursor stands where it was; a shell that ends by itself has left it at the start of a line.
    if (outcome === undefined || failure !== undefined) output.write('\r\n')
    if (failure !== undefined) throw failure
    signal.throwIfAborted()
  } finally {
    input.off('data', onData)
    input.off('end', onAbort)
    signal.removeEventListener('abort', onAbort)
    stopResizing()
    stopped?.()
    terminal.restore()
    await run[Symbol.asyncDispose]()
  }
}
