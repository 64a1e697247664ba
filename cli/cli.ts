import { fileURLToPath } from 'node:url'
import { flush, run } from '@oclif/core'
import { exitStatusOf } from './exit-codes.ts'
import { toFailure } from './failure.ts'
import { errorDocument, painter, renderError } from './render/error.ts'

/** How long the process may stay after its command has ended; what is still open then would keep it for ever. */
const LINGER_MS = 3_000

/** Runs the command that the arguments name, and sets the exit status. */
export async function start(argv = process.argv.slice(2)): Promise<void> {
  try {
    await run(argv, { root: fileURLToPath(new URL('..', import.meta.url)) })
    await flush()
  } catch (thrown) {
    report(thrown, argv)
  }
  endWithin(LINGER_MS)
}

/** Failures outside any command: a command that does not exist, a package that is not whole. */
function report(thrown: unknown, argv: readonly string[]): void {
  const failure = thrown as { oclif?: { exit?: number }; code?: string }
  if (failure.code === 'EEXIT' && failure.oclif?.exit === 0) return
  const error = toFailure(thrown)
  process.exitCode = exitStatusOf(error.code)
  if (argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: errorDocument(error) }, null, 2)}\n`)
  else process.stderr.write(`${renderError(error, painter(process.stderr))}\n`)
}

function endWithin(delay: number): void {
  const timer = setTimeout(() => {
    if (process.env['PGCTL_DEBUG'])
      process.stderr.write(`left open at the end: ${process.getActiveResourcesInfo().join(', ')}\n`)
    process.exit()
  }, delay)
  timer.unref()
}
