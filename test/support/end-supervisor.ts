import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

/** The process that holds background tunnels, by what it has written down; undefined where none has. */
export function supervisorPid(state: string): number | undefined {
  try {
    const [first = ''] = readFileSync(join(state, 'pgctl', 'supervisor', 'journal'), 'utf8').split('\n')
    return (JSON.parse(first) as { pid: number }).pid
  } catch {
    return undefined
  }
}

/** Ends the supervisor of a test's person, if there is one, and waits until it is gone. */
export async function endSupervisor(state: string): Promise<void> {
  const pid = supervisorPid(state)
  if (pid === undefined || !isAlive(pid)) return
  process.kill(pid, 'SIGTERM')
  await eventually(() => !isAlive(pid))
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // Nobody asks for the exit status of a process whose parent has gone, in a container without an init.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
