import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import type { SandboxFolder } from './state.ts'

const LOG_LINES_SHOWN = 8

/**
 * Starts a sandbox in a process of its own, which goes on after this one, and resolves when everything answers.
 * `argv` is the command line after Node's own path that runs it in the foreground.
 *
 * @throws PgctlError `sandbox-running`, or `sandbox-broken` with the end of its log when it does not come up.
 */
export async function detachSandbox(
  folder: SandboxFolder,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await folder.requireFree()
  await folder.makeRoot()
  const log = await open(folder.logPath, 'w', 0o600)
  try {
    const child = spawn(process.execPath, [...process.execArgv, ...argv], {
      detached: true,
      cwd: dirname(folder.logPath),
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    })
    await untilReady(child, folder, signal)
    child.disconnect()
    child.unref()
  } finally {
    await log.close()
  }
}

/** Called by the detached process itself when everything answers; elsewhere it does nothing. */
export function tellReady(): void {
  if (process.send === undefined) return
  process.send({ ready: true }, () => {
    if (process.connected) process.disconnect()
  })
}

async function untilReady(child: ChildProcess, folder: SandboxFolder, signal: AbortSignal): Promise<void> {
  const outcome = await new Promise<'ready' | 'ended' | 'interrupted' | Error>((resolve) => {
    child.once('message', () => resolve('ready'))
    child.once('exit', () => resolve('ended'))
    child.once('error', resolve)
    signal.addEventListener('abort', () => resolve('interrupted'), { once: true })
  })
  if (outcome === 'ready') return
  if (outcome === 'interrupted') {
    child.kill('SIGTERM')
    throw signal.reason
  }
  const why = outcome === 'ended' ? await lastLines(folder.logPath) : outcome.message
  throw new PgctlError('sandbox-broken', `the sandbox "${folder.name}" did not come up`, {
    why,
    next: `read its log: less ${folder.logPath}`,
  })
}

async function lastLines(path: string): Promise<string> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').map((line) => line.trim())
  return (
    lines
      .filter((line) => line !== '')
      .slice(-LOG_LINES_SHOWN)
      .join('; ') || 'it said nothing'
  )
}
