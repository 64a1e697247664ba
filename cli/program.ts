import { spawn } from 'node:child_process'
import { messageOf, PgctlError } from '#core/errors.ts'

/** How long a program may take to end after it was told to, before it is killed. */
const PATIENCE_MS = 5_000

export interface ProgramRun {
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Ends the program when it aborts, unless it ends by itself: Ctrl-C at a terminal reaches it as well as us. */
  readonly signal: AbortSignal
}

/** Runs a program in our place: with our terminal, and its exit status, as a shell gives it, is the answer. */
export async function runProgram(path: string, { words, environment, signal }: ProgramRun): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const child = spawn(path, words, { stdio: 'inherit', env: environment })
  let kill: NodeJS.Timeout | undefined
  const onAbort = () => {
    // What a terminal sends goes to both; whatever else has reached only us is passed on.
    if (!process.stdin.isTTY) child.kill('SIGTERM')
    kill = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  }
  child.once('error', (error) =>
    reject(new PgctlError('failed', `cannot start ${path}`, { why: messageOf(error), cause: error })),
  )
  child.once('close', (code, name) => resolve(code ?? 128 + (SIGNAL_NUMBERS[name as string] ?? 0)))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await promise
  } finally {
    clearTimeout(kill)
    signal.removeEventListener('abort', onAbort)
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
}
