import { PgctlError } from '#core/errors.ts'
import { ENGINES } from '#core/installation/datastores.ts'
import type { Inventory } from '#core/installation/inventory.ts'
import type { FixedTarget } from '#core/permissions/documents.ts'
import { resolveTarget, type Target } from '#core/tunnel/resolve-target.ts'
import { parseTargets } from '#core/tunnel/target.ts'
import type { Deps } from './deps.ts'
import { allInOrder } from './in-order.ts'

/**
 * What documents of fixed places are made for: the targets that the words name, or the cluster and all datastores.
 * @throws PgctlError `usage` for a Service, which only the cluster leads to.
 */
export async function readFixedTargets(
  deps: Deps,
  words: readonly string[],
  signal: AbortSignal,
): Promise<readonly FixedTarget[]> {
  const [, inventory] = await allInOrder([
    deps.identity(signal),
    deps.inventory(['cluster', ...ENGINES], 'way', signal),
  ])
  if (words.length === 0) return allOf(inventory)
  const datastores = { found: inventory.datastores, unreadable: inventory.unreadable }
  return parseTargets(words).map((word) =>
    fixed(resolveTarget(word, { ...deps.profile, datastores }), inventory),
  )
}

function allOf(inventory: Inventory): readonly FixedTarget[] {
  const [refused] = inventory.unreadable
  if (refused !== undefined) throw refused.error
  return [
    ...(inventory.cluster === undefined ? [] : [clusterTarget(inventory)]),
    ...inventory.datastores.flatMap(({ name, endpoints }) =>
      endpoints.slice(0, 1).map(({ host, port }) => ({ name, host, port })),
    ),
  ]
}

function fixed(target: Target, inventory: Inventory): FixedTarget {
  if (target.kind === 'host') return { name: target.name, host: target.host, port: target.port }
  if (target.kind === 'cluster') return clusterTarget(inventory)
  throw new PgctlError('usage', `${target.name} has no address of its own behind the bastion`, {
    why: 'it is a Service, which the cluster leads to',
    next: 'make a document for the cluster instead: pgctl iam documents cluster',
  })
}

function clusterTarget({ cluster, region, unreadable }: Inventory): FixedTarget {
  if (cluster !== undefined) return { name: 'cluster', host: cluster.host, port: cluster.port }
  const refused = unreadable.find(({ part }) => part === 'cluster')
  if (refused !== undefined) throw refused.error
  throw new PgctlError('cluster-missing', `there is no cluster in ${region}`, {
    next: 'check workspace and region of the installation: pgctl config',
  })
}
