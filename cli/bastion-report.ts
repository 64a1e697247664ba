import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseStreamStatus } from '#core/audit/status.ts'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { readParameter } from '#core/aws/parameters.ts'
import { activityOf } from '#core/bastion/activity.ts'
import type { AuditWord } from '#core/bastion/audit-lag.ts'
import { readKernelFiles } from '#core/bastion/io/kernel-files.ts'
import { readLife } from '#core/bastion/io/life-store.ts'
import type { LifeState } from '#core/bastion/life-state.ts'
import { lifeFacts, type MotdFacts } from '#core/bastion/motd.ts'
import { activityKey } from '#core/bastion/names.ts'
import type { Ms } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { auditLogGroup, parseInstallationFile } from '#core/installation/installation-file.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { licenseParameter, tableName } from '#core/stack/names.ts'
import { readMachine } from './machine-file.ts'

export interface ReportPlaces {
  readonly installation: string
  /** Where cloud-init writes which machine this is. */
  readonly machine: string
  /** A mapping of programs to their versions, which the image brings; need not be there. */
  readonly versions: string
  readonly proc: string
  /** Where what carries the audit's log away says how it is; need not be there. */
  readonly audit: string
  /** Where the facts for the message of the day are put. */
  readonly facts: string
}

/** Somebody is told within so long that their session will be ended. */
const TELL_FOR: Ms = 90_000

/**
 * Says in the table what this machine does, and puts down what the message of the day tells; answers what people on it
 * must be told now, a line each.
 */
export async function reportActivity(
  places: ReportPlaces,
  { environment, version }: { readonly environment: NodeJS.ProcessEnv; readonly version: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const text = await readFile(places.installation, 'utf8')
  const file = parseInstallationFile(text)
  const machine = await readMachine(places.machine)
  const now = systemClock.now().wall
  const kernel = await readKernelFiles(places.proc)
  const audit = auditLogGroup(text) === undefined ? null : await auditWord(places.audit, now - kernel.uptime)
  const activity = { ...activityOf(kernel, machine, now), audit }
  const agents = createOutboundAgents(environment)
  try {
    const connection = connectAws({ region: file.region, environment, agents, clock: systemClock, version })
    const table = createDocumentTable(connection, tableName(file.workspace))
    await table.write(activityKey(file.workspace), activity)
    const [life, license] = await Promise.all([
      orNotKnown(readLife(table, file.workspace)),
      orNotKnown(readParameter(connection, licenseParameter(file.workspace), signal)),
    ])
    await putFacts(places.facts, {
      ...{ v: 1, at: now, sessions: activity.sessions },
      versions: { pgctl: version, ...(await versionsIn(places.versions)) },
      license: licenseIn(license),
      life: life === undefined ? null : lifeFacts(life.state),
    })
    return life === undefined ? [] : warningsIn(life.state, now)
  } finally {
    agents.close()
  }
}

/** What is refused, or not there, leaves the rest as it is. */
async function orNotKnown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isPgctlError(error)) return undefined
    throw error
  }
}

async function auditWord(path: string, startedAt: Ms): Promise<AuditWord> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const { at, oldest, trouble } = parseStreamStatus(text) ?? { at: startedAt, oldest: null, trouble: null }
  return { at, oldest, trouble }
}

async function putFacts(path: string, facts: MotdFacts): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  await replaceFile(path, `${JSON.stringify(facts)}\n`, 0o644)
}

async function versionsIn(path: string): Promise<Readonly<Record<string, string>>> {
  try {
    const { tools } = Object(JSON.parse(await readFile(path, 'utf8'))) as { tools?: unknown }
    return Object.fromEntries(
      Object.entries(Object(tools)).flatMap(([name, each]) =>
        typeof each === 'string' ? [[name, each]] : [],
      ),
    )
  } catch {
    return {}
  }
}

function licenseIn(text: string | undefined): MotdFacts['license'] {
  try {
    const { verdict, sentence, until } = Object(JSON.parse(text ?? 'null')) as Record<string, unknown>
    if (typeof verdict !== 'string' || typeof sentence !== 'string') return null
    return { verdict, sentence, until: typeof until === 'string' ? until : null }
  } catch {
    return null
  }
}

function warningsIn({ history }: LifeState, now: Ms): string[] {
  return history.flatMap(({ at, what, why }) => {
    const [, session] = /^warn (.+)$/.exec(what) ?? []
    return session !== undefined && now - at < TELL_FOR
      ? [`pgctl: the session ${session} will be ended: ${why}`]
      : []
  })
}
