import { createDiscovery } from '#core/aws/discovery.ts'
import { findInterfaces, findNodes } from '#core/aws/network-interfaces.ts'
import type { Ms } from '#core/clock.ts'
import { type Flow, looksLikeFlowLog, parseFlowLog } from '#core/egress/flow-log.ts'
import { type Lookup, looksLikeResolverLog, parseResolverLog } from '#core/egress/resolver-log.ts'
import { type Announced, type Sorted, sortFlows } from '#core/egress/sort.ts'
import { PgctlError } from '#core/errors.ts'
import { discoveryQuery } from '#core/installation/discovery.ts'
import { type InterfaceRoles, interfaceRoles } from '#core/installation/interfaces.ts'
import { type ProductProfile, resourceName } from '#core/installation/profile.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { RELEASE } from '#core/vendor/release.ts'
import { type Deployed, wireDeployed } from './deployed.ts'
import type { Surroundings } from './deps.ts'
import { departuresOf } from './egress-commands.ts'
import { openLedgerHere } from './egress-ledger.ts'
import { isRemote, type LogText, readSource } from './egress-sources.ts'
import { readProductProfile } from './product-profile.ts'

/** What the logs show, and what they lack. */
export interface EgressDiff {
  readonly sorted: Sorted
  readonly flows: number
  readonly lookups: number
  /** Records that the service has lost, and lines that are none. */
  readonly skipped: number
  readonly malformed: number
  /** What interfaces belong to; empty where nobody has asked the account. */
  readonly owners: ReadonlyMap<string, string>
}

export interface DiffWishes {
  /** Files, `s3://BUCKET/PREFIX`, `cloudwatch:GROUP`. */
  readonly sources: readonly string[]
  /** Interfaces that a person says are of the product's workloads. */
  readonly workloads: readonly string[]
  /** Ask the account which interface is whose; done unasked where it is read from anyhow. */
  readonly discover: boolean
  readonly deployed: boolean
  /** How far back what is not a file is read. */
  readonly since: Ms
  /** Only flows that began then or later count. */
  readonly after?: Ms
  readonly signal: AbortSignal
}

/** Sorts the flows of these logs against the ledger. Nothing is sent to the vendor. */
export async function diffEgress(surroundings: Surroundings, wishes: DiffWishes): Promise<EgressDiff> {
  const { sources, workloads, discover, signal, after = 0 } = wishes
  const opened = await openLedgerHere(surroundings, wishes)
  const { installation } = opened.here
  const profile = await readProductProfile(surroundings.root, installation.product)
  const asks = discover || sources.some(isRemote)
  const deployed = opened.deployed ?? (asks ? await wireDeployed(surroundings, signal) : undefined)
  const roles = asks && deployed !== undefined ? await rolesHere(deployed, profile, signal) : undefined
  const since = systemClock.now().wall - wishes.since
  const logs = await readLogs(sources, { connection: deployed?.connection, since, signal })
  const flows = logs.flows.filter(({ start }) => start >= after)
  const departures = await departuresOf(opened.ledger, undefined, Number.POSITIVE_INFINITY)
  const announced = departures.map(
    ({ intent }): Announced => ({
      row: intent.seq,
      at: Date.parse(intent.at),
      kind: intent.kind,
      host: intent.host,
    }),
  )
  const sorted = sortFlows({
    flows,
    lookups: logs.lookups,
    announced,
    vendorHost: RELEASE === undefined ? undefined : new URL(RELEASE.url).host,
    workloads: new Set([...workloads, ...(roles?.workloads ?? [])]),
    functions: roles?.functions,
    relays: roles?.relays,
    foreign: Object.entries(profile.outside).map(([name, row]) => ({ name, ...row })),
  })
  return {
    sorted,
    flows: flows.length,
    lookups: logs.lookups.length,
    skipped: logs.skipped,
    malformed: logs.malformed,
    owners: roles?.owners ?? new Map(),
  }
}

/** Whose the interfaces of the installation's network are. */
async function rolesHere(
  { here, connection }: Deployed,
  profile: ProductProfile,
  signal: AbortSignal,
): Promise<InterfaceRoles> {
  const { installation } = here
  const query = discoveryQuery(profile, installation, ['bastion', 'network', 'cluster'], 'way')
  const { network, bastions, unreadable } = await createDiscovery(connection).inventory(query, signal)
  if (network === undefined)
    throw (
      unreadable.find(({ part }) => part === 'network')?.error ??
      new PgctlError('target-unknown', `the network of ${installation.name} was not found`, {
        why: `no VPC is called ${query.names.vpc}`,
        next: 'check workspace and region: pgctl config; or give files alone, and --workload',
      })
    )
  const cluster = resourceName(profile, 'cluster', installation.workspace)
  const [interfaces, nodes] = await Promise.all([
    findInterfaces(connection, network.id, signal),
    findNodes(connection, cluster, signal),
  ])
  return interfaceRoles(interfaces, {
    nodes: new Set(nodes),
    bastions: new Set(bastions.map(({ id }) => id)),
    functionPrefix: `${installation.workspace}-`,
  })
}

async function readLogs(sources: readonly string[], reader: Parameters<typeof readSource>[1]) {
  const flows: Flow[] = []
  const lookups: Lookup[] = []
  let skipped = 0
  let malformed = 0
  const take = ({ from, text }: LogText): void => {
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
      throw new PgctlError('usage', `${from} is no log that can be read`, {
        why: 'it begins neither as a VPC flow log nor as a query log of the resolver',
        next: 'give logs as the services write them',
      })
  }
  for (const source of sources) for await (const text of readSource(source, reader)) take(text)
  return { flows, lookups, skipped, malformed }
}
