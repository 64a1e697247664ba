import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { auditWordSchema } from './audit-lag.ts'

/**
 * What a bastion says that it does: the session service does not see what goes through a tunnel, nor what somebody left
 * running. Read from the kernel's own files; pure, so that the same bytes give the same report.
 */
const schema = z.object({
  v: z.literal(1),
  at: z.number(),
  machine: z.string(),
  /** Connections to anything but the session service and the machine itself. */
  connections: z.number().int().min(0),
  /** Programs that people's sessions have started, and that run. */
  programs: z.number().int().min(0),
  /** Sessions that something runs for. */
  sessions: z.array(z.string()),
  /** How its audit log is carried away; null where no log group is named. */
  audit: auditWordSchema.nullish(),
})

export type Activity = z.infer<typeof schema>

/** Undefined for what is no report. */
export function parseActivity(value: unknown): Activity | undefined {
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}

/** One program, as `/proc/PID/stat`, `cmdline` and `cgroup` tell of it. */
export interface RunningProgram {
  readonly pid: number
  readonly parent: number
  readonly words: readonly string[]
  /** Inodes of the sockets that it has open. */
  readonly sockets: readonly string[]
  /** The unit of systemd that it was started by, whoever its parent is by now: `/system.slice/cron.service`. */
  readonly cgroup: string
}

export interface KernelFiles {
  /** For how long the machine has run. */
  readonly uptime: Ms
  /** `/proc/net/tcp` and `/proc/net/tcp6`. */
  readonly tcp: readonly string[]
  readonly programs: readonly RunningProgram[]
}

/** The agent's programs: the one that listens to the service, and one for each session. */
const AGENT = /(^|\/)(amazon-ssm-agent|ssm-agent-worker)$/
/** What carries the audit's log away is at work whether anybody is there or not. */
const CARRIER = /\0bastion\0audit-stream(\0|$)/
const WORKER = /(^|\/)ssm-session-worker$/
const OWN = /(^|\/)(amazon-ssm-agent|ssm-(agent-worker|session-worker|document-worker|session-logger))$/
/** The agent's unit, as Debian's package has it and as a snap does. */
const UNIT = /\/[^/\n]*amazon-ssm-agent[^/\n]*\.service$/m
const ESTABLISHED = '01'
/** This machine itself, and the hypervisor's metadata, which no session is forwarded to. */
const NOT_OUTSIDE =
  /^(0100007F|FEA9FEA9|00000000000000000000000001000000|0000000000000000FFFF0000(0100007F|FEA9FEA9)):/

/** The report of a machine, from what its kernel tells. */
export function activityOf(files: Omit<KernelFiles, 'uptime'>, machine: string, at: Ms): Activity {
  const workers = files.programs.filter(({ words }) => WORKER.test(words[0] ?? ''))
  // What a session leaves behind has another parent when its worker is gone, and the unit still.
  const left = files.programs.filter(({ words, cgroup }) => UNIT.test(cgroup) && !OWN.test(words[0] ?? ''))
  const ofPeople = new Set([...descendantsOf(workers, files.programs), ...left])
  // The service's own: kept by the agent, and by each worker once. A worker's further ones are tunnels.
  const own = files.programs.filter(
    ({ words }) => AGENT.test(words[0] ?? '') || CARRIER.test(words.join('\0')),
  )
  const ownSockets = new Set(own.flatMap(({ sockets }) => sockets))
  const outside = files.tcp
    .flatMap((text) => text.trim().split('\n').slice(1).map(connectionOf))
    .filter((each) => each !== undefined)
    .filter(({ state, remote }) => state === ESTABLISHED && !NOT_OUTSIDE.test(remote))
    .filter(({ inode }) => !ownSockets.has(inode))
  const known = new Set(outside.map(({ inode }) => inode))
  const channels = workers.filter(({ sockets }) => sockets.some((inode) => known.has(inode))).length
  return {
    v: 1,
    at,
    machine,
    connections: Math.max(0, outside.length - channels),
    programs: ofPeople.size,
    sessions: workers.flatMap(({ words }) => words[1] ?? []),
  }
}

function connectionOf(line: string): { state: string; remote: string; inode: string } | undefined {
  const [, , remote, state, , , , , , inode] = line.trim().split(/\s+/)
  if (remote === undefined || state === undefined || inode === undefined) return undefined
  return { remote, state, inode }
}

function descendantsOf(roots: readonly RunningProgram[], all: readonly RunningProgram[]): RunningProgram[] {
  const known = new Set(roots.map(({ pid }) => pid))
  const found: RunningProgram[] = []
  // A parent may stand behind its child in the list: as long as something is added, another is looked for.
  for (let before = -1; before !== found.length; ) {
    before = found.length
    for (const program of all)
      if (known.has(program.parent) && !known.has(program.pid)) {
        known.add(program.pid)
        found.push(program)
      }
  }
  return found
}
