import { isPgctlError, PgctlError } from '#core/errors.ts'
import { describeWall, firstWall, forecast } from '#core/snapshots/forecast.ts'
import { type Gathered, type GatherRequest, gather, withQuotas } from '#core/snapshots/io/gather.ts'
import { makePlan } from '#core/snapshots/plan.ts'
import type { QuotaApi } from '#core/snapshots/quotas.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import type { Store } from '#core/store.ts'

/** How far a policy is lived through before it may come into force. */
export const AHEAD_DAYS = 90

export interface Adopted {
  readonly gathered: Gathered
  /** The text of the policy that holds. */
  readonly text: string
  /** Why the policy that was asked for does not hold, in a clause; undefined where it does. */
  readonly refused: string | undefined
}

interface Ports {
  readonly api: SnapshotApi
  readonly quotaApi: QuotaApi
  readonly store: Store
  readonly signal?: AbortSignal | undefined
}

/**
 * Takes on the policy of `request`, or goes on by `inForce`, the one before it: a slip in a text, or a policy that will
 * hit a quota, must not end the snapshots that there would have been.
 * @throws PgctlError `config-invalid` where the policy is refused and there was none before it.
 */
export async function adoptPolicy(
  request: GatherRequest,
  inForce: string | undefined,
  { api, quotaApi, store, signal }: Ports,
): Promise<Adopted> {
  const gatherBy = (policyText: string, policySource: string) =>
    gather({ ...request, policyText, policySource }, api, store, signal)
  const { policyText, policySource } = request
  if (policyText === inForce) {
    const gathered = await gatherBy(policyText, policySource)
    // Only what makes something has to know what there is room for.
    const isBusy = makePlan(gathered.input).actions.some(({ kind }) => kind !== 'delete')
    const whole = isBusy ? await withQuotas(gathered, quotaApi, signal) : gathered
    return { gathered: whole, text: policyText, refused: undefined }
  }
  try {
    const gathered = await withQuotas(await gatherBy(policyText, policySource), quotaApi, signal)
    checkRoom(gathered, policySource)
    return { gathered, text: policyText, refused: undefined }
  } catch (error) {
    if (!isPgctlError(error, 'config-invalid') || inForce === undefined) throw error
    const gathered = await withQuotas(await gatherBy(inForce, 'the policy in force'), quotaApi, signal)
    const refused = `${error.message}: ${error.why}; the policy before it stays in force`
    return { gathered, text: inForce, refused }
  }
}

/** @throws PgctlError `config-invalid` for a policy that is new and will hit a quota, with the day. */
export function checkRoom({ input }: Gathered, policySource: string): void {
  const snapshots = input.listings.flatMap((listing) => listing.snapshots)
  const wall = firstWall(forecast({ ...input, snapshots }, input.now, AHEAD_DAYS))
  if (wall === undefined) return
  throw new PgctlError('config-invalid', `the snapshot policy ${policySource} would hit a quota`, {
    why: describeWall(wall, input.policy.zone),
    next: 'keep less, or have the quota raised; pgctl snapshots forecast shows both',
  })
}
