import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { messageOf, PgctlError } from '#core/errors.ts'

/** How long a program may take to end after it was told to, before it is killed. */
const PATIENCE_MS = 5_000

/** Where to get what we start for people and do not bring along. */
const SOURCES: Readonly<Record<string, string>> = {
  kubectl: 'https://kubernetes.io/docs/tasks/tools/',
  helm: 'https://helm.sh/docs/intro/install/',
  psql: 'https://www.postgresql.org/download/ (the client alone: on Debian postgresql-client, by Homebrew libpq)',
  'redis-cli':
    'https://redis.io/docs/latest/operate/oss_and_stack/install/ (on Debian redis-tools, by Homebrew redis)',
}

/**
 * The path of a program, as a shell would find it.
 * @throws PgctlError `not-supported` where there is none: before a session is opened for it.
 */
export async function findProgram(name: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const isPath = /[\\/]/.test(name)
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(Boolean)
  const candidates = isPath ? [name] : folders.flatMap((folder) => named(folder, name))
  for (const path of candidates) if (await isExecutable(path)) return path
  const source = SOURCES[name]
  throw new PgctlError('not-supported', `there is no ${name} on this computer`, {
    why: isPath ? 'there is no such file, or it cannot be run' : 'no folder of PATH has it',
    next: source === undefined ? 'install it, or give its path' : `install it: ${source}`,
  })
}

/** On Windows a program has an ending. */
function named(folder: string, name: string): string[] {
  const path = join(folder, name)
  return process.platform === 'win32' ? [`${path}.exe`, `${path}.cmd`, path] : [path]
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export interface ProgramRun {
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  /** Descriptors that it is to have behind its three streams, in this order. */
  readonly descriptors?: readonly number[]
  /** Ends the program when it aborts, unless it ends by itself: Ctrl-C at a terminal reaches it as well as us. */
  readonly signal: AbortSignal
}

/** Runs a program in our place: with our terminal, and its exit status, as a shell gives it, is the answer. */
export async function runProgram(path: string, run: ProgramRun): Promise<number> {
  const { words, environment, descriptors = [], signal } = run
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const child = spawn(path, words, {
    stdio: ['inherit', 'inherit', 'inherit', ...descriptors],
    env: environment,
  })
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
