import { isPgctlError } from '#core/errors.ts'
import type { ClusterContents } from '#core/installation/cluster-contents.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import { resolveTarget, type TargetNames } from '#core/tunnel/resolve-target.ts'

/** Something that can be tunnelled to by its name alone. */
export interface KnownTarget {
  readonly name: string
  readonly kind: 'cluster' | 'monitor' | 'service' | 'datastore'
  /** At the far end; undefined for the cluster, whose API says so itself. */
  readonly port: number | undefined
  /** The way that is taken unless another is asked for. */
  readonly route: RouteName
}

/**
 * All targets of an installation that have a name. `contents` are the Services that the cluster was last seen with;
 * without them, those that the product has by default.
 */
export function knownTargets(names: TargetNames, contents: ClusterContents | undefined): KnownTarget[] {
  const there = (kind: 'services' | 'monitors') =>
    Object.keys(names[kind]).filter((name) => contents?.[kind].includes(name) ?? true)
  const candidates = [
    { name: 'cluster', kind: 'cluster' as const },
    ...there('monitors').map((name) => ({ name, kind: 'monitor' as const })),
    ...there('services').map((name) => ({ name, kind: 'service' as const })),
    ...names.datastores.found.map(({ name }) => ({ name, kind: 'datastore' as const })),
  ]
  const seen = new Set<string>()
  return candidates.flatMap(({ name, kind }) => {
    const target = resolveOrNothing(name, names)
    if (target === undefined || seen.has(target.name)) return []
    seen.add(target.name)
    const port = target.kind === 'cluster' ? undefined : target.port
    return [{ name: target.name, kind, port, route: target.kind === 'service' ? 'cluster' : 'direct' }]
  })
}

/** A name that several things bear, or a datastore without an address yet, is none to go by. */
function resolveOrNothing(name: string, names: TargetNames) {
  try {
    return resolveTarget({ kind: 'name', name }, names)
  } catch (error) {
    if (isPgctlError(error)) return undefined
    throw error
  }
}
