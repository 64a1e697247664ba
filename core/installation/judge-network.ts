import type { Finding } from '#core/installation/findings.ts'
import { type Inventory, isUnreadable } from '#core/installation/inventory.ts'
import type { Network, RouteTable, Subnet } from '#core/installation/network.ts'

/** What there is to say of the ways out of the network; nothing where what it depends on could not be read. */
export function judgeNetwork(inventory: Inventory): Finding[] {
  const { network, region } = inventory
  if (network === undefined || isUnreadable(inventory, 'subnets') || isUnreadable(inventory, 'route tables'))
    return []
  const used = network.routeTables.filter((table) => isUsed(table, network))
  return [
    ...judgeRoutes(used, region),
    ...(isUnreadable(inventory, 'NAT gateways') ? [] : judgeNat(network, used, region)),
  ]
}

/** A table that no subnet follows sends nobody anywhere. */
function isUsed(table: RouteTable, { subnets, routeTables }: Network): boolean {
  if (table.subnetIds.length > 0) return true
  return table.main && subnets.some(({ id }) => routeTables.every(({ subnetIds }) => !subnetIds.includes(id)))
}

function judgeRoutes(tables: readonly RouteTable[], region: string): Finding[] {
  return tables.flatMap((table) =>
    table.routes
      .filter(({ active }) => !active)
      .map(
        ({ to, via }): Finding => ({
          code: 'route-broken',
          severity: 'warning',
          message: `the route to ${to} of ${table.name ?? table.id} leads to ${via}, which is gone`,
          next: `let it lead elsewhere, or take it away: aws ec2 describe-route-tables --region ${region} --route-table-ids ${table.id}`,
        }),
      ),
  )
}

/** A gateway stands in one zone, and takes the way out of all others with it. */
function judgeNat(
  { subnets, natGateways }: Network,
  tables: readonly RouteTable[],
  region: string,
): Finding[] {
  const working = natGateways.filter(({ state }) => state === 'available')
  const followed = new Set(tables.flatMap(({ routes }) => routes.map(({ via }) => via)))
  const lost = natGateways.filter(
    ({ id, state }) => followed.has(id) && state !== 'available' && state !== 'pending',
  )
  if (lost.length > 0)
    return lost.map(({ id, state }) => ({
      code: 'nat-missing',
      severity: 'warning',
      message: `the NAT gateway ${id}, by which private subnets reach the internet, is ${state}`,
      next: `see why: aws ec2 describe-nat-gateways --region ${region} --nat-gateway-ids ${id}`,
    }))
  const [only, ...others] = working
  const behind = zonesOf(subnets.filter(({ kind }) => kind === 'private'))
  if (only === undefined || others.length > 0 || only.regional || behind.length < 2) return []
  const zone = subnets.find(({ id }) => id === only.subnetId)?.zone
  return [
    {
      code: 'nat-single-zone',
      severity: 'warning',
      message: `one NAT gateway, ${only.id}, serves private subnets in ${behind.length} zones`,
      why: `if ${zone ?? 'its zone'} fails, ${behind.filter((each) => each !== zone).join(', ')} cannot reach the internet either`,
      next: 'give each zone a gateway of its own, where that is worth its price',
    },
  ]
}

function zonesOf(subnets: readonly Subnet[]): string[] {
  return [...new Set(subnets.flatMap(({ zone }) => zone ?? []))].sort()
}
