import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PgctlError } from '#core/errors.ts'

export interface ProgramOptions {
  readonly signal: AbortSignal
  readonly cwd?: string
  /** On top of this process's environment. */
  readonly environment?: Readonly<Record<string, string>>
}

/** An index of a distribution is told package by package. */
const MOST_OUTPUT = 64 * 1024 * 1024

/**
 * Runs a program of this computer to its end, without a terminal.
 * @returns its standard output.
 * @throws PgctlError `not-supported` where it is not installed, `failed` with the last that it said.
 */
export async function runTool(words: readonly string[], options: ProgramOptions): Promise<string> {
  const [program = '', ...args] = words
  const { signal, cwd, environment } = options
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      signal,
      cwd,
      env: { ...process.env, ...environment },
      maxBuffer: MOST_OUTPUT,
      encoding: 'utf8',
    })
    return stdout
  } catch (error) {
    signal.throwIfAborted()
    const { code, stderr = '' } = error as NodeJS.ErrnoException & { readonly stderr?: string }
    if (code === 'ENOENT')
      throw new PgctlError('not-supported', `this needs ${program}, which is not installed`, {
        next: `install ${program}`,
        cause: error,
      })
    throw new PgctlError('failed', `${program} failed`, {
      why: complaint(stderr) ?? `exit status ${String(code)}`,
      cause: error,
    })
  }
}

/** What it says is wrong, if some lines say that they do, or else its last words. */
function complaint(stderr: string): string | undefined {
  const lines = stderr.split('\n').map((line) => line.trim().replace(/\s+/g, ' '))
  const said = lines.filter((line) => line !== '')
  const errors = said.filter((line) => /^(E:|npm error|error:|fatal:)/i.test(line))
  return (errors.length > 0 ? errors.slice(0, 3) : said.slice(-3)).join('; ') || undefined
}
