import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { type Flow, looksLikeFlowLog, parseFlowLog } from '#core/egress/flow-log.ts'
import { type Lookup, looksLikeResolverLog, parseResolverLog } from '#core/egress/resolver-log.ts'
import { type Announced, type Sorted, sortFlows } from '#core/egress/sort.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import { RELEASE } from '#core/vendor/release.ts'
import type { Surroundings } from './deps.ts'
import { listDepartures } from './egress-commands.ts'
import { licensedInstallation } from './license-wiring.ts'
import { readProductProfile } from './product-profile.ts'

/** What the logs show, and what they lack. */
export interface EgressDiff {
  readonly sorted: Sorted
  readonly flows: number
  readonly lookups: number
  /** Records that the service has lost, and lines that are none. */
  readonly skipped: number
  readonly malformed: number
}

/** Sorts the flows of these files against the ledger on this computer. Nothing is sent. */
export async function diffEgress(
  surroundings: Surroundings,
  paths: readonly string[],
  workloads: readonly string[],
): Promise<EgressDiff> {
  const { installation } = licensedInstallation(surroundings)
  const profile = await readProductProfile(surroundings.root, installation.product)
  const logs = await readLogs(paths)
  const departures = await listDepartures(surroundings, { kind: undefined, limit: Infinity, deployed: false })
  const announced = departures.map(
    ({ intent }): Announced => ({
      row: intent.seq,
      at: Date.parse(intent.at),
      kind: intent.kind,
      host: intent.host,
    }),
  )
  const sorted = sortFlows({
    flows: logs.flows,
    lookups: logs.lookups,
    announced,
    vendorHost: RELEASE === undefined ? undefined : new URL(RELEASE.url).host,
    workloads: new Set(workloads),
    foreign: Object.entries(profile.outside).map(([name, row]) => ({ name, ...row })),
  })
  return {
    sorted,
    flows: logs.flows.length,
    lookups: logs.lookups.length,
    skipped: logs.skipped,
    malformed: logs.malformed,
  }
}

async function readLogs(paths: readonly string[]) {
  const flows: Flow[] = []
  const lookups: Lookup[] = []
  let skipped = 0
  let malformed = 0
  for (const path of paths) {
    const text = await readText(path)
    if (looksLikeResolverLog(text)) {
      const log = parseResolverLog(text)
      for (const lookup of log.lookups) lookups.push(lookup)
      malformed += log.malformed
    } else if (looksLikeFlowLog(text)) {
      const log = parseFlowLog(text)
      for (const flow of log.flows) flows.push(flow)
      skipped += log.skipped
      malformed += log.malformed
    } else
      throw new PgctlError('usage', `${path} is no log that can be read`, {
        why: 'it begins neither as a VPC flow log nor as a query log of the resolver',
        next: 'give files as the services write them to S3',
      })
  }
  return { flows, lookups, skipped, malformed }
}

const GZIP_MARK = 0x1f8b

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path)
    const isPacked = bytes.length > 2 && bytes.readUInt16BE(0) === GZIP_MARK
    return (isPacked ? await promisify(gunzip)(bytes) : bytes).toString('utf8')
  } catch (error) {
    throw new PgctlError('usage', `cannot read the log ${path}`, {
      why: messageOf(error),
      next: 'name a file of flow logs or resolver logs',
      cause: error,
    })
  }
}
