import { readFile } from 'node:fs/promises'
import type { Bytes } from '#core/clock.ts'

/** Clock ticks a second in `/proc`, the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100
/** Where `utime` and `stime` stand behind the closing bracket of the process's name. */
const AT_UTIME = 11
const AT_STIME = 12
/** The same two of its children that have ended, and of theirs. */
const AT_CUTIME = 13
const AT_CSTIME = 14

/** What a process has used; Linux alone tells it of others. */
export interface ProcessFigures {
  readonly cpuSeconds: number
  /** The most memory that it held at once. */
  readonly peakMemory: Bytes
}

/** Undefined where the system does not say. */
export async function readProcessFigures(pid: number): Promise<ProcessFigures | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ])
    const fields = fieldsOf(stat)
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
    return {
      cpuSeconds: (Number(fields[AT_UTIME]) + Number(fields[AT_STIME])) / TICKS_A_SECOND,
      peakMemory: Number(kibibytes) * 1024,
    }
  } catch {
    return undefined
  }
}

/** What the ended children of this process have used, and theirs. Undefined where the system does not say. */
export async function cpuOfEndedChildren(): Promise<number | undefined> {
  try {
    const fields = fieldsOf(await readFile('/proc/self/stat', 'utf8'))
    return (Number(fields[AT_CUTIME]) + Number(fields[AT_CSTIME])) / TICKS_A_SECOND
  } catch {
    return undefined
  }
}

/** What stands behind the closing bracket of the name. */
const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')

/** What a process has used between two readings; its peak is that of its whole life. */
export function usedBetween(
  before: ProcessFigures | undefined,
  after: ProcessFigures | undefined,
): ProcessFigures | undefined {
  if (before === undefined || after === undefined) return undefined
  return { ...after, cpuSeconds: after.cpuSeconds - before.cpuSeconds }
}
