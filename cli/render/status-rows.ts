import type { Bucket } from '#core/installation/buckets.ts'
import { isManaged } from '#core/installation/cluster-contents.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import { type Inventory, type InventoryPart, isUnreadable } from '#core/installation/inventory.ts'
import { describePorts } from '#core/installation/judge-bastions.ts'
import type { NatGateway, Network, Subnet } from '#core/installation/network.ts'

/** The rows of a status about what an installation consists of; a label that is empty goes on with the one before. */
export type Row = [label: string, text: string]

const NAMES_SHOWN = 8

/** What keeps bastions running, and what lets connections in to them. */
export function surroundingRows(inventory: Inventory): Row[] {
  const { bastionGroups, securityGroups } = inventory
  const groups = bastionGroups.map(({ name, minimum, maximum, desired, instances }): Row => {
    const size = `${instances.length} of ${desired}, between ${minimum} and ${maximum}`
    return ['', `group ${name}, ${size}`]
  })
  const rules = securityGroups.flatMap(({ inbound }) => inbound)
  const doors = rules.map((rule) => `${describePorts(rule)} from ${rule.sources.join(', ')}`)
  if (isUnreadable(inventory, 'security groups')) return [...groups, ['', 'inbound rules not known']]
  if (securityGroups.length === 0) return groups
  return [...groups, ['', doors.length === 0 ? 'nothing is let in' : `lets in ${doors.join('; ')}`]]
}

export function networkRows(inventory: Inventory): Row[] {
  const { network, loadBalancers } = inventory
  const balancers = loadBalancers.map(({ name, type, internetFacing, host, state }): Row => {
    const facing = internetFacing ? 'facing the internet' : 'internal'
    return ['', joined(`${type} load balancer ${name} ${state}, ${facing}`, host)]
  })
  if (isUnreadable(inventory, 'load balancers')) balancers.push(['', 'load balancers not known'])
  if (network === undefined) return [['network', absent(inventory, 'network')], ...balancers]
  return [
    ['network', joined(network.id, network.name, network.ranges.join(', '))],
    ['', describeSubnets(network, isUnreadable(inventory, 'subnets'))],
    ['', describeWaysOut(inventory, network)],
    ...balancers,
  ]
}

function describeSubnets({ subnets }: Network, unread: boolean): string {
  if (subnets.length === 0) return unread ? 'subnets not known' : 'no subnets'
  const kinds = [...new Set(subnets.map(({ kind }) => kind))].sort()
  return kinds
    .map((kind) => {
      const ofKind = subnets.filter((subnet) => subnet.kind === kind)
      const what = kind === 'unread' ? '' : `${kind} `
      return `${ofKind.length} ${what}subnet${ofKind.length === 1 ? '' : 's'} in ${zonesOf(ofKind)}`
    })
    .join('; ')
}

/** Zones of one region by their letters: `eu-central-1a, b, c`. */
function zonesOf(subnets: readonly Subnet[]): string {
  const [first = 'unknown zones', ...others] = [...new Set(subnets.flatMap(({ zone }) => zone ?? []))].sort()
  const region = first.slice(0, -1)
  return [first, ...others.map((zone) => (zone.startsWith(region) ? zone.slice(region.length) : zone))].join(
    ', ',
  )
}

function describeWaysOut(inventory: Inventory, network: Network): string {
  const { natGateways, internetGateways, endpoints } = network
  const nat = natGateways.map((gateway) => describeNat(gateway, network)).join(', ')
  const internet = internetGateways.map(({ id }) => id).join(', ')
  const services = endpoints.map(({ service }) => service.split('.').at(-1)).join(', ')
  return [
    `NAT ${nat || absent(inventory, 'NAT gateways')}`,
    `internet gateway ${internet || absent(inventory, 'internet gateways')}`,
    `endpoints ${services || absent(inventory, 'VPC endpoints')}`,
  ].join('; ')
}

function describeNat(
  { publicAddresses, state, subnetId, regional }: NatGateway,
  { subnets }: Network,
): string {
  const zone = regional ? 'all zones' : subnets.find(({ id }) => id === subnetId)?.zone
  const place = zone === undefined ? '' : ` in ${zone}`
  return `${publicAddresses.join(' ') || 'without an address'}${place}${state === 'available' ? '' : ` (${state})`}`
}

const KINDS: readonly InventoryPart[] = ['postgres', 'redis', 'kafka']

export function datastoreRows(inventory: Inventory): Row[] {
  const { datastores } = inventory
  const width = Math.max(...datastores.map(({ name }) => name.length), 0)
  const known = datastores.map((store) => `${store.name.padEnd(width)}  ${describeDatastore(store)}`)
  const unread = KINDS.filter((part) => isUnreadable(inventory, part))
  const lines = [...known, ...(unread.length > 0 ? [`${unread.join(', ')}: not known, or not in full`] : [])]
  if (lines.length === 0) return [['data', 'no datastores']]
  return lines.map((line, index) => [index === 0 ? 'data' : '', line])
}

function describeDatastore(store: Datastore): string {
  const { product, version, sizeClass, status, topology, nodes, multiZone, endpoints } = store
  const [first] = endpoints
  return joined(
    version === undefined ? product : `${product} ${version}`,
    sizeClass,
    topology === 'cluster' ? `${nodes} nodes` : topology === 'replica' ? 'replica' : undefined,
    multiZone ? 'multi-zone' : 'one zone',
    status === 'available' || status === 'active' ? undefined : status,
    first && `${first.host}:${first.port}`,
  )
}

export function bucketRows(inventory: Inventory): Row[] {
  const { buckets } = inventory
  if (buckets.length === 0) return [['buckets', absent(inventory, 'buckets')]]
  return [['buckets', buckets.map(describeBucket).join(', ')]]
}

function describeBucket(bucket: Bucket): string {
  const { name, versioning, noncurrentDays } = bucket
  const kept =
    noncurrentDays === undefined
      ? ' for an unknown time'
      : noncurrentDays === 'never'
        ? ''
        : ` for ${noncurrentDays} d`
  const versions =
    versioning === 'on' ? `versions${kept}` : versioning === undefined ? 'versions not known' : 'no versions'
  const access = bucket.public === undefined ? 'access not known' : bucket.public ? 'public' : undefined
  return `${name} (${[access, versions].filter((each) => each !== undefined).join(', ')})`
}

export function describeTrail(inventory: Inventory): string {
  const { trail } = inventory
  if (trail === undefined) return absent(inventory, 'trail')
  const { name, logging, allRegions, bucket } = trail
  const state = logging === undefined ? 'not known whether it writes' : logging ? 'writes' : 'writes nothing'
  return joined(name, state, allRegions ? 'all regions' : 'this region', bucket && `to ${bucket}`)
}

/** What runs in the cluster: the services of the product, and the monitors of a managed installation. */
export function contentsRows(inventory: Inventory, asked: boolean): Row[] {
  const { contents } = inventory
  if (contents === undefined) return [['services', asked ? 'not known' : 'not asked for']]
  const { services, monitors } = contents
  return [
    ['services', services.length === 0 ? 'none' : `${services.length}: ${shortened(services)}`],
    ['monitors', isManaged(contents) ? monitors.join(', ') : 'none: the installation is unmanaged'],
  ]
}

function shortened(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function absent(inventory: Inventory, part: InventoryPart): string {
  return isUnreadable(inventory, part) ? 'not known' : 'none'
}

function joined(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('  ')
}
