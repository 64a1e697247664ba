import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'

/** How long one command of a build may take: a cold kube-apiserver takes some minutes, and a hung registry for ever. */
const COMMAND_TIMEOUT_MS = 30 * 60_000

export interface StepOptions {
  readonly cwd: string
  /** On top of this process's environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** Where its output is kept, for a person to read when it fails. */
  readonly log: string
  readonly signal: AbortSignal
}

/**
 * Runs one command of a build to its end, without standard input, in a process group that is killed with it.
 * @returns its standard output.
 * @throws Error with the end of what it said when it fails.
 */
export async function runStep(words: readonly string[], options: StepOptions): Promise<string> {
  const [command = '', ...args] = words
  options.signal.throwIfAborted()
  const log = createWriteStream(options.log, { flags: 'a', mode: 0o600 })
  log.write(`$ ${words.join(' ')}\n`)
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const killAll = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  const timer = setTimeout(killAll, COMMAND_TIMEOUT_MS)
  options.signal.addEventListener('abort', killAll)
  let stdout = ''
  let tail = ''
  const keep = (text: string) => {
    log.write(text)
    tail = (tail + text).slice(-2_000)
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    keep(text)
  })
  child.stderr.setEncoding('utf8').on('data', keep)
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    options.signal.throwIfAborted()
    if (code !== 0) throw new Error(`${words.join(' ')} failed (${signal ?? code}):\n${tail.trimEnd()}`)
    return stdout
  } finally {
    clearTimeout(timer)
    options.signal.removeEventListener('abort', killAll)
    log.end()
    await finished(log)
  }
}
