import { readdirSync, readFileSync } from 'node:fs'

/*
 * Ends processes together. POSIX only, and on Linux alone what left its group is found as well: the one place where
 * the agent depends on either.
 */

/** Signals every process of the group; a group that is gone is no error. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  signalQuietly(-leader, signal)
}

/**
 * Kills what is left of the session that `leader` leads, or led: jobs in the background have groups of their own,
 * and outlive their shell.
 */
export function killSession(leader: number): void {
  signalQuietly(-leader, 'SIGKILL')
  for (const pid of processesOfSession(leader)) signalQuietly(pid, 'SIGKILL')
}

/** Whether the process still runs, or waits to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process runs all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function signalQuietly(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function processesOfSession(leader: number): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => sessionOf(pid) === leader)
}

/** The session of a process: the fourth field after its name, which may hold spaces and brackets. */
function sessionOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
  } catch {
    return undefined
  }
}
