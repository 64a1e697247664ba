import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Config, run } from '@oclif/core'
import type { PgctlError } from '#core/errors.ts'
import { exitStatusOf } from './exit-codes.ts'
import { outputFailure, toFailure } from './failure.ts'
import { errorDocument, painter, renderError } from './render/error.ts'
import { toJson } from './render/json.ts'
import { namesOf, type Vocabulary } from './wrong-words.ts'

/** How long the process may stay after its command has ended; what is still open then would keep it for ever. */
const LINGER_MS = 3_000

/** Runs the command that the arguments name, and sets the exit status. */
export async function start(argv = process.argv.slice(2)): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const output = watchOutput()
  nameShell()
  try {
    await run(withHelpInFull(argv), { root })
    await flushOutput()
    // Of a failure that came while the command ran, it has told itself.
    if (output.failure !== undefined && !process.exitCode) throw output.failure
  } catch (thrown) {
    await report(thrown, argv, root)
  }
  endWithin(LINGER_MS)
}

/** The framework asks for the shell of the account, and throws where there is none: a unit's own user, a container's. */
function nameShell(): void {
  if (process.env['SHELL'] !== undefined) return
  try {
    userInfo()
  } catch {
    process.env['SHELL'] = '/bin/sh'
  }
}

/**
 * The framework throws whatever goes wrong with stdout into the void, where it ends the process with a stack and a
 * session left open. Here it is a failure like any other; that nobody reads our notices is none at all.
 */
function watchOutput(): { readonly failure: PgctlError | undefined } {
  const watched: { failure: PgctlError | undefined } = { failure: undefined }
  process.stdout.removeAllListeners('error')
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') watched.failure ??= outputFailure(error)
  })
  process.stderr.on('error', () => {})
  return watched
}

/** `-h` is what hands type for help; behind `--` it is a word of another program. */
function withHelpInFull(argv: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  return argv.map((word, at) => (word === '-h' && at < end ? '--help' : word))
}

/** Resolves when all of the result is on its way, also when nobody takes it any more: a closed pipe never drains. */
function flushOutput(): Promise<void> {
  return new Promise((resolve) => process.stdout.write('', () => resolve()))
}

/** Failures outside any command: a command that does not exist, a package that is not whole. */
async function report(thrown: unknown, argv: readonly string[], root: string): Promise<void> {
  const failure = thrown as { oclif?: { exit?: number }; code?: string }
  if (failure.code === 'EEXIT' && failure.oclif?.exit === 0) return
  const error = toFailure(thrown, await vocabularyOf(root))
  process.exitCode = exitStatusOf(error.code)
  if (argv.includes('--json')) process.stdout.write(`${toJson({ error: errorDocument(error) }, 2)}\n`)
  else process.stderr.write(`${renderError(error, painter(process.stderr))}\n`)
}

/** Where the package is not whole, that is the failure to tell, and there are no commands to suggest. */
async function vocabularyOf(root: string): Promise<Vocabulary> {
  try {
    const { bin, commands } = await Config.load({ root })
    return { bin, commands: namesOf(commands) }
  } catch {
    return { bin: 'pgctl', commands: [] }
  }
}

function endWithin(delay: number): void {
  const timer = setTimeout(() => {
    if (process.env['PGCTL_DEBUG'])
      process.stderr.write(`left open at the end: ${process.getActiveResourcesInfo().join(', ')}\n`)
    process.exit()
  }, delay)
  timer.unref()
}
