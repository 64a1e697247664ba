import { accessPolicyOf } from '#core/aws/access-entries.ts'
import { type ElevatedRole, elevate, withoutElevation } from '#core/bastion/elevations.ts'
import { changeLife } from '#core/bastion/io/life-store.ts'
import type { Elevation, LifeState } from '#core/bastion/life-state.ts'
import { describeSpan } from '#core/bastion/spans.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { lifeTable, ownerOf } from './bastion-reading.ts'
import type { Deps } from './deps.ts'

/** Rights in the cluster that somebody takes for a time. */

/** Nothing was given, for certain. */
const REFUSALS = ['permission-denied', 'cluster-missing', 'target-unknown'] as const

interface ElevationWish {
  readonly role: ElevatedRole
  /** Whose rights; those of the caller's own role unless told. */
  readonly principal?: string | undefined
  readonly span: number
  readonly reason: string
}

/**
 * Gives them to the caller's role. They are written down before they are given: whatever happens then, somebody takes
 * them back.
 */
export async function elevateCaller(
  deps: Deps,
  wish: ElevationWish,
  signal: AbortSignal,
): Promise<Elevation> {
  const principal = wish.principal ?? (await principalOf(deps, signal))
  const by = await ownerOf(deps, signal)
  const id = `right-${Buffer.from(systemRandom(4)).toString('hex')}`
  const policy = accessPolicyOf(wish.role, principal)
  const now = systemClock.now().wall
  const { span, reason } = wish
  const state = await changeLife(lifeTable(deps), deps.installation.workspace, (before) => {
    const after = elevate(before, { id, principal, policy, by, reason, span }, now)
    checkWatched(before, now)
    return after
  })
  const elevation = state.elevations.find((each) => each.id === id)
  if (elevation === undefined) throw new Error('what was just written down is not there')
  try {
    await deps.elevationApi.grant(principal, policy, signal)
  } catch (error) {
    // Whatever else went wrong, it may have been given: then it is taken back in time.
    if (REFUSALS.some((code) => isPgctlError(error, code)))
      await changeLife(lifeTable(deps), deps.installation.workspace, (before) => withoutElevation(before, id))
    throw error
  }
  return elevation
}

/** A look a minute is what ends rights; without it they would stay. */
const LOOKED_WITHIN = 10 * 60_000

function checkWatched({ lookedAt }: LifeState, now: number): void {
  if (now - lookedAt <= LOOKED_WITHIN) return
  throw new PgctlError('unhealthy', 'these rights would not end by themselves', {
    why:
      lookedAt === 0 ? 'nothing looks after the bastion' : `nothing has for ${describeSpan(now - lookedAt)}`,
    next: 'deploy the functions (pgctl deploy --plan), or see why theirs does not run: its log is of WORKSPACE-bastion-tick',
  })
}

/** Takes back what the caller's role was given. */
export async function endElevations(
  deps: Deps,
  given: string | undefined,
  signal: AbortSignal,
): Promise<readonly Elevation[]> {
  const principal = given ?? (await principalOf(deps, signal))
  let own: readonly Elevation[] = []
  const { workspace } = deps.installation
  await changeLife(lifeTable(deps), workspace, (before) => {
    own = before.elevations.filter((each) => each.principal === principal)
    return before
  })
  for (const { id, policy } of own) {
    await deps.elevationApi.revoke(principal, policy, signal)
    await changeLife(lifeTable(deps), workspace, (before) => withoutElevation(before, id))
  }
  return own
}

/** The role behind a session of it; a user is themself. The path of a role is not in the name of its session. */
async function principalOf(deps: Deps, signal: AbortSignal): Promise<string> {
  const { arn } = await deps.identity(signal)
  const session = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\/.+$/.exec(arn)
  if (session !== null) return `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`
  if (/^arn:[a-z-]+:iam::\d{12}:user\/.+$/.test(arn)) return arn
  throw new PgctlError('not-supported', `rights in a cluster cannot be given to ${arn}`, {
    why: 'it is neither a role nor a user',
    next: 'name the role: --principal arn:aws:iam::ACCOUNT:role/NAME',
  })
}
