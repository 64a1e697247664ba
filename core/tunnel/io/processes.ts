import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { ProcessIdentity } from '#core/tunnel/journal.ts'
import type { Processes } from '#core/tunnel/session-journal.ts'

/**
 * The processes of this machine. On Linux `/proc` tells when one began, so a number that was given to another
 * process is not taken for the first; elsewhere only the number is known, and a leftover whose number is in use
 * again waits until it is not.
 */
export const systemProcesses: Processes = {
  async self() {
    return { machine: hostname(), pid: process.pid, start: (await describe(process.pid))?.start ?? '' }
  },

  async isAlive({ pid, start }: ProcessIdentity) {
    if (!hasProcess(pid)) return false
    const found = await describe(pid)
    // What cannot be told apart is left alone: the session of a living process must not be cut. But one that was
    // there as a zombie may have been reaped since.
    if (found === undefined) return hasProcess(pid)
    return !found.isDead && (start === '' || found.start === start)
  },
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: there is one, and it belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface Description {
  /** The boot and the clock tick at which it began. */
  readonly start: string
  /** A zombie: it has ended, and its parent has not asked for its exit status yet. */
  readonly isDead: boolean
}

/** What `/proc` says of a process; undefined where it says nothing. */
async function describe(pid: number): Promise<Description | undefined> {
  try {
    const [boot, stat] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ])
    // The second field is the program's name in parentheses and may hold anything; state and start are the 3rd and 22nd.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { start: `${boot.trim()}:${fields[18]}`, isDead: state === 'Z' || state === 'X' }
  } catch {
    return undefined
  }
}
