import { ENGINES } from '#core/installation/datastores.ts'
import { DISCOVERY_PARTS, resourceNames } from '#core/installation/discovery.ts'
import { namesIn, rememberNames } from '#core/installation/known-names.ts'
import { assess } from '#core/installation/status.ts'
import { systemClock } from '#core/io/system-clock.ts'
import type { ContentsReading } from './cluster-contents.ts'
import type { Deps } from './deps.ts'
import { allInOrder } from './in-order.ts'
import type { StatusReport } from './render/status.ts'

export interface StatusWishes {
  /** Whether the cluster is asked what it runs, which takes a session. */
  readonly contents: boolean
}

const NOT_ASKED: ContentsReading = { contents: undefined, unreadable: [] }

/** Reads all that there is to know of an installation, at once, and judges it. */
export async function readStatus(
  deps: Deps,
  wishes: StatusWishes,
  signal: AbortSignal,
): Promise<StatusReport> {
  const { installation, profile } = deps
  const rest = allInOrder([
    deps.identity(signal),
    deps.inventory(DISCOVERY_PARTS, 'full', signal),
    deps.sessionApi.limits(signal),
  ])
  const [[identity, found, limits], asked] = await allInOrder([
    rest,
    wishes.contents ? askCluster(deps, rest, signal) : NOT_ASKED,
  ])
  const now = systemClock.now().wall
  const names = resourceNames(profile, installation.workspace)
  const query = {
    wanted: installation.bastion ?? names.bastion,
    clusterName: names.cluster,
    trailName: names.trail,
    now,
  }
  const { contents } = asked
  const inventory = { ...found, contents, unreadable: [...found.unreadable, ...asked.unreadable] }
  const assessment = assess(inventory, query)
  await rememberNames(deps.store, installation, namesIn(inventory, ENGINES), now)
  return { installation, identity, inventory, assessment, limits, contentsAsked: wishes.contents, now }
}

async function askCluster(deps: Deps, rest: Promise<unknown>, signal: AbortSignal): Promise<ContentsReading> {
  const { readClusterContents } = await import('./cluster-contents.ts')
  return readClusterContents(deps, rest, signal)
}
