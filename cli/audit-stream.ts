import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AuditLogReader, type ReadingTrouble } from '#core/audit/io/log-reader.ts'
import { streamAudit } from '#core/audit/io/stream.ts'
import { formatPlace, type Place, parsePlace } from '#core/audit/places.ts'
import { connectAws } from '#core/aws/clients.ts'
import { createLogStream } from '#core/aws/log-groups.ts'
import { PgctlError } from '#core/errors.ts'
import { auditLogGroup, parseInstallationFile } from '#core/installation/installation-file.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { readMachine } from './machine-file.ts'

export interface AuditStreamPlaces {
  readonly installation: string
  /** Says which machine this is. */
  readonly machine: string
  /** The file that the audit's daemon writes; older ones are beside it. */
  readonly log: string
  /** Where it is written down how far it has come. */
  readonly place: string
  /** Where it says how it is. */
  readonly status: string
}

interface Surroundings {
  readonly environment: NodeJS.ProcessEnv
  readonly version: string
  /** A sentence for the journal. */
  readonly say: (text: string) => void
}

/** Carries the audit's log to the log group that the installation's description names, until `signal` aborts. */
export async function streamAuditLog(
  places: AuditStreamPlaces,
  { environment, version, say }: Surroundings,
  signal: AbortSignal,
): Promise<void> {
  const text = await readFile(places.installation, 'utf8')
  const { region } = parseInstallationFile(text)
  const group = auditLogGroup(text)
  if (group === undefined)
    throw new PgctlError('config-invalid', 'no log group is named for the audit log', {
      why: `${places.installation} has no audit.logGroup`,
      next: 'name one in the user data of the launch template, as the stack of the bastion does: pgctl bastion deploy',
    })
  const machine = await readMachine(places.machine)
  const agents = createOutboundAgents(environment)
  try {
    const connection = connectAws({ region, environment, agents, clock: systemClock, version })
    const place = await readPlace(places.place, say)
    await using reader = new AuditLogReader(places.log, place, (trouble) => say(TROUBLE[trouble]))
    say(`the audit log goes to ${group}, stream ${machine}`)
    await streamAudit(
      {
        ...{ reader, sink: createLogStream(connection, group, machine), clock: systemClock, say },
        chance: Math.random,
        remember: (end) => replaceFile(places.place, formatPlace(end)),
        // Whoever reads it takes an old one for what it is.
        tell: (status) =>
          replaceFile(places.status, `${JSON.stringify(status)}\n`, 0o644).catch(() => undefined),
      },
      signal,
    )
  } finally {
    agents.close()
  }
}

const TROUBLE: Readonly<Record<ReadingTrouble, string>> = {
  gone: 'files of the audit log were rotated away before they were carried off: some of it is missing in the log group',
  shorter: 'a file of the audit log is shorter than it was: it is carried off from its beginning',
}

async function readPlace(path: string, say: (text: string) => void): Promise<Place | undefined> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const place = parsePlace(text)
  if (place === undefined) say(`${path} does not say how far it was: the whole log is carried off again`)
  return place
}
