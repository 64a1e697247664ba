import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ms } from '#core/clock.ts'

/** How long a process may take to end in order before it is killed. */
const PATIENCE: Ms = 4_000

/** Every process that is under way: whatever way this one ends, none of them stays. */
const running = new Set<ChildProcess>()

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process that ends with this one at the latest. */
export function startChild(command: string, argv: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, argv, options)
  running.add(child)
  child.once('close', () => running.delete(child))
  child.once('error', () => running.delete(child))
  return child
}

/** Resolves with the exit status, or the signal's name; rejects when the process could not be started. */
export function childEnd(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null)
      resolve(child.exitCode ?? String(child.signalCode))
    child.once('close', (code, signal) => resolve(code ?? String(signal)))
    child.once('error', reject)
  })
}

/** Asks a process to end as Ctrl-C does, and kills it when it does not. */
export async function endChild(child: ChildProcess): Promise<void> {
  const ended = childEnd(child).catch(() => {})
  child.kill('SIGINT')
  const patience = new AbortController()
  const late = sleep(PATIENCE, true, { signal: patience.signal }).catch(() => false)
  if ((await Promise.race([ended.then(() => false), late])) === true) child.kill('SIGKILL')
  patience.abort()
  await ended
}
