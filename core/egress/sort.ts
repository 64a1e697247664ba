import type { Bytes, Ms } from '#core/clock.ts'
import { isInside } from './address.ts'
import type { Flow } from './flow-log.ts'
import type { Lookup } from './resolver-log.ts'

/**
 * Everything that left a network, sorted: what the ledger has announced, what the product's own workloads did, what is
 * known of others with the setting that stops it, and the rest, which nobody has explained.
 */

/** A flow of others that installations are known to have. */
export interface ForeignFlow {
  readonly name: string
  /** Names of hosts; each stands for those below it as well. `*` is one label, and then nothing below it is meant. */
  readonly hosts: readonly string[]
  /** What to set so that it ends. */
  readonly setting: string
}

/** A request that the ledger announced. */
export interface Announced {
  readonly row: number
  readonly at: Ms
  readonly kind: string
  /** Host, and port where it is not 443. */
  readonly host: string
}

export interface SortInput {
  readonly flows: readonly Flow[]
  readonly lookups: readonly Lookup[]
  readonly announced: readonly Announced[]
  /** The vendor's host, as the release names it; undefined where this build has no vendor. */
  readonly vendorHost: string | undefined
  /** Interfaces of the product's workloads: the cluster's nodes. */
  readonly workloads: ReadonlySet<string>
  /** Interfaces whose requests the ledger announces; undefined where they are not known: then any but a workload's. */
  readonly functions?: ReadonlySet<string> | undefined
  /** Interfaces of gateways, which pass on what others send: it is counted where it came from. */
  readonly relays?: ReadonlySet<string> | undefined
  readonly foreign: readonly ForeignFlow[]
}

/** Flows of one kind to one place. */
export interface Bundle {
  readonly interface: string
  /** The name that was looked up, or the address where none was. */
  readonly to: string
  readonly port: number
  readonly flows: number
  readonly bytes: Bytes
  readonly first: Ms
  readonly last: Ms
}

export interface Sorted {
  /** How many flows left, of all that were read. */
  readonly left: number
  readonly ledger: ReadonlyArray<Bundle & { readonly rows: readonly number[] }>
  readonly workload: ReadonlyArray<Bundle & { readonly toVendor: boolean }>
  readonly foreign: ReadonlyArray<Bundle & { readonly name: string; readonly setting: string }>
  readonly unexplained: readonly Bundle[]
  /** Flows of gateways that passed on one which is counted where it came from. */
  readonly relayed: number
  /** Rows within the time of the logs that no flow was seen of. */
  readonly unseen: readonly number[]
  /** What this cannot prove, in sentences. */
  readonly unproved: readonly string[]
}

/** How far clocks and the intervals of a log may be from a row's moment. */
const SLACK: Ms = 60_000
/** How long a name that was looked up is taken to be in use. */
const MEMORY: Ms = 3_600_000
const MINUTE: Ms = 60_000
/** A record spans ten minutes at most; a line that claims more claims too much. */
const MOST_MINUTES = 60
const TCP = 6
const UDP = 17

type Sorting =
  | { readonly as: 'ledger'; readonly rows: readonly number[] }
  | { readonly as: 'workload'; readonly toVendor: boolean }
  | { readonly as: 'foreign'; readonly flow: ForeignFlow }
  | { readonly as: 'unexplained' }

export function sortFlows(input: SortInput): Sorted {
  const names = new NameBook(input.lookups)
  const all = input.flows.filter(leaves)
  const leaving = withoutRelayed(all, input.relays)
  const bundles = new Map<string, { bundle: Bundle; sorting: Sorting }>()
  const seen = new Map<number, number>()
  const shared = new Set<string>()
  let nameless = 0
  for (const flow of leaving) {
    const known = names.of(flow.destination, flow)
    if (known.length === 0) nameless++
    const sorting = sortOne(flow, known, input)
    if (isAmbiguous(flow, known, sorting, input)) shared.add(flow.destination)
    if (sorting.as === 'ledger') for (const row of sorting.rows) seen.set(row, (seen.get(row) ?? 0) + 1)
    addTo(bundles, flow, known, sorting)
  }
  const sorted = [...bundles.values()]
  const pick = <As extends Sorting['as']>(as: As) =>
    sorted.filter(
      (each): each is { bundle: Bundle; sorting: Extract<Sorting, { as: As }> } => each.sorting.as === as,
    )
  return {
    left: leaving.length,
    relayed: all.length - leaving.length,
    ledger: pick('ledger').map(({ bundle, sorting }) => ({ ...bundle, rows: sorting.rows })),
    workload: pick('workload').map(({ bundle, sorting }) => ({ ...bundle, toVendor: sorting.toVendor })),
    foreign: pick('foreign').map(({ bundle, sorting }) => ({
      ...bundle,
      name: sorting.flow.name,
      setting: sorting.flow.setting,
    })),
    unexplained: pick('unexplained').map(({ bundle }) => bundle),
    unseen: unseenRows(input, seen),
    unproved: caveats({ nameless, shared, ledger: pick('ledger').map(({ sorting }) => sorting.rows) }),
  }
}

/** Without what a gateway only passed on; what nobody inside has sent to the same place meanwhile stays. */
function withoutRelayed(flows: readonly Flow[], relays: ReadonlySet<string> = new Set()): Flow[] {
  if (relays.size === 0) return [...flows]
  const sent = new Set<string>()
  for (const flow of flows)
    if (!relays.has(flow.interface)) for (const moment of momentsOf(flow)) sent.add(moment)
  return flows.filter(
    (flow) => !relays.has(flow.interface) || !momentsOf(flow).some((each) => sent.has(each)),
  )
}

/** Where a flow goes, with every minute in which it may have. */
function momentsOf({ destination, port, protocol, start, end }: Flow): string[] {
  const first = Math.floor((start - SLACK) / MINUTE)
  const last = Math.min(Math.floor((end + SLACK) / MINUTE), first + MOST_MINUTES)
  return Array.from(
    { length: last - first + 1 },
    (_, at) => `${destination} ${port} ${protocol} ${first + at}`,
  )
}

/** From inside to outside. What comes back of a connection has its server's port in front. */
function leaves({ source, destination, protocol, accepted, port, sourcePort }: Flow): boolean {
  if (!accepted || isInside(destination) || !isInside(source)) return false
  return (protocol !== TCP && protocol !== UDP) || !isReply(sourcePort, port)
}

/** An answer to somebody outside: a low port of ours to a high one of theirs. */
function isReply(sourcePort: number, port: number): boolean {
  return sourcePort < 1_024 && port >= 1_024
}

function sortOne(flow: Flow, names: readonly string[], input: SortInput): Sorting {
  const { vendorHost, announced, workloads, foreign, functions } = input
  const vendorName = vendorHost?.replace(/:\d+$/, '')
  if (vendorName !== undefined && names.includes(vendorName)) {
    const rows = announced
      .filter(({ host, at }) => host === vendorHost && at >= flow.start - SLACK && at <= flow.end + SLACK)
      .map(({ row }) => row)
    const mayAnnounce =
      functions === undefined ? !workloads.has(flow.interface) : functions.has(flow.interface)
    if (rows.length > 0 && mayAnnounce) return { as: 'ledger', rows }
    return workloads.has(flow.interface) ? { as: 'workload', toVendor: true } : { as: 'unexplained' }
  }
  const match = foreign.find(({ hosts }) => names.some((name) => hosts.some((host) => isBelow(name, host))))
  if (match !== undefined) return { as: 'foreign', flow: match }
  return workloads.has(flow.interface) ? { as: 'workload', toVendor: false } : { as: 'unexplained' }
}

function isBelow(name: string, host: string): boolean {
  if (host.includes('*')) {
    const [labels, pattern] = [name.split('.'), host.split('.')]
    return (
      labels.length === pattern.length && pattern.every((label, at) => label === '*' || label === labels[at])
    )
  }
  return name === host || name.endsWith(`.${host}`)
}

/** Whether the other names of an address would have led to another answer. */
function isAmbiguous(flow: Flow, names: readonly string[], sorting: Sorting, input: SortInput): boolean {
  return names.some((name) => placeOf(sortOne(flow, [name], input)) !== placeOf(sorting))
}

function placeOf(sorting: Sorting): string {
  return sorting.as === 'foreign' ? `foreign ${sorting.flow.name}` : sorting.as
}

function addTo(
  bundles: Map<string, { bundle: Bundle; sorting: Sorting }>,
  flow: Flow,
  names: readonly string[],
  sorting: Sorting,
): void {
  const to = names.length === 0 ? flow.destination : names.join(' or ')
  const rows = sorting.as === 'ledger' ? sorting.rows.join() : ''
  const key = [placeOf(sorting), flow.interface, to, flow.port, rows].join(' ')
  const before = bundles.get(key)?.bundle
  bundles.set(key, {
    sorting,
    bundle: {
      interface: flow.interface,
      to,
      port: flow.port,
      flows: (before?.flows ?? 0) + 1,
      bytes: (before?.bytes ?? 0) + flow.bytes,
      first: Math.min(before?.first ?? flow.start, flow.start),
      last: Math.max(before?.last ?? flow.end, flow.end),
    },
  })
}

/** Rows that were announced while the logs were written, and left no trace in them. */
function unseenRows({ flows, announced }: SortInput, seen: ReadonlyMap<number, number>): number[] {
  if (flows.length === 0) return []
  const from = flows.reduce((least, { start }) => Math.min(least, start), Infinity)
  const to = flows.reduce((most, { end }) => Math.max(most, end), 0)
  return announced.filter(({ at, row }) => at >= from && at <= to && !seen.has(row)).map(({ row }) => row)
}

function caveats(found: {
  readonly nameless: number
  readonly shared: ReadonlySet<string>
  readonly ledger: readonly (readonly number[])[]
}): string[] {
  const { nameless, shared, ledger } = found
  const sentences: string[] = []
  if (shared.size > 0)
    sentences.push(
      `${[...shared].join(', ')}: several names share the address, and a flow log does not say which was meant`,
    )
  if (ledger.some((rows) => rows.length > 1))
    sentences.push(
      'a connection that was kept carried several rows: how many requests it had, a flow log does not say',
    )
  if (nameless > 0)
    sentences.push(
      `${nameless === 1 ? 'one flow' : `${nameless} flows`} went where no name had been looked up in these logs`,
    )
  return sentences
}

/** Under which names an address was looked up, shortly before it was used. */
class NameBook {
  readonly #byAddress = new Map<string, Lookup[]>()

  constructor(lookups: readonly Lookup[]) {
    for (const lookup of lookups) {
      const known = this.#byAddress.get(lookup.address)
      if (known === undefined) this.#byAddress.set(lookup.address, [lookup])
      else known.push(lookup)
    }
  }

  of(address: string, { start, end }: Flow): string[] {
    const fitting = (this.#byAddress.get(address) ?? []).filter(
      ({ at }) => at >= start - MEMORY && at <= end + SLACK,
    )
    return [...new Set(fitting.map(({ name }) => name))].sort()
  }
}
