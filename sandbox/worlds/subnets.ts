import { idOf } from './ids.ts'
import type { WorldSubnet } from './installation.ts'

/** A subnet of 256 addresses for each letter of `zones`, the first of them `PREFIX.THIRD.0`. */
export function zonalSubnets(
  workspace: string,
  kind: WorldSubnet['kind'],
  prefix: string,
  third: number,
  zones: string,
): WorldSubnet[] {
  return [...zones].map((zone, i) => {
    const name = `${workspace}-${kind}-${zone}`
    return { subnetId: idOf('subnet', name), name, kind, zone, cidr: `${prefix}.${third + i}.0/24` }
  })
}
