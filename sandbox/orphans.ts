import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'

/**
 * Ends the processes of sessions that a killed sandbox has left: they are known by their home, which lies below the
 * sandbox's own `folder`. Where there is no `/proc` none is found; their terminals' ends have ended most of them.
 */
export async function endOrphans(folder: string): Promise<void> {
  const entries = await readdir('/proc').catch(() => [])
  const pids = entries.filter((entry) => /^\d+$/.test(entry)).map(Number)
  const orphans = await Promise.all(pids.map(async (pid) => ((await livesBelow(pid, folder)) ? [pid] : [])))
  for (const pid of orphans.flat()) kill(pid)
}

async function livesBelow(pid: number, folder: string): Promise<boolean> {
  // Processes of other users, and those that have just ended, cannot be read.
  const environment = await readFile(join('/proc', String(pid), 'environ'), 'utf8').catch(() => '')
  return environment.split('\0').some((variable) => variable.startsWith(`HOME=${folder}${sep}`))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
