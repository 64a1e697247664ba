import { type Forecast, forecast } from '#core/snapshots/forecast.ts'
import { groupSnapshots, type Member } from '#core/snapshots/groups.ts'
import { type Gathered, type GatherRequest, gather, planOf, readPoints } from '#core/snapshots/io/gather.ts'
import type { KeyApi, KeyState } from '#core/snapshots/key-api.ts'
import type { Plan } from '#core/snapshots/plan.ts'
import { type RecoveryPoint, recoveryPoints } from '#core/snapshots/points.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import { keysOf } from '#core/snapshots/verify.ts'
import type { Store } from '#core/store.ts'

const DAY = 86_400_000
/** Far enough for rules by the year. */
export const HORIZON_DAYS = 400

/** Everything that is known of an installation's snapshots, read once. */
export interface Survey extends Gathered {
  readonly plan: Plan
  readonly points: readonly RecoveryPoint[]
  readonly members: readonly Member[]
  /** Lived through to the horizon, for when each snapshot goes. */
  readonly ahead: Forecast
}

/** @throws PgctlError `config-invalid` for the policy, `state-invalid` for what was written down. */
export async function survey(
  request: GatherRequest,
  api: SnapshotApi,
  store: Store,
  signal?: AbortSignal,
): Promise<Survey> {
  const whole = await planOf(await gather(request, api, store, signal), api, signal)
  const groupInput = { ...whole.input, snapshots: whole.input.listings.flatMap(({ snapshots }) => snapshots) }
  const members = groupSnapshots(groupInput).flatMap((group) => group.members)
  const ahead = forecast(groupInput, request.now, HORIZON_DAYS)
  const horizon = request.now + HORIZON_DAYS * DAY
  const points = recoveryPoints(members, await readPoints(store, request.workspace), ahead.expiries, horizon)
  return { ...whole, points, members, ahead }
}

/** The states of the keys of all recovery points. */
export async function readKeys(
  api: KeyApi,
  points: readonly RecoveryPoint[],
  signal?: AbortSignal,
): Promise<Map<string, KeyState>> {
  const wanted = [...keysOf(points)]
  const states = await Promise.all(wanted.map(([key, region]) => api.state(key, region, signal)))
  return new Map(wanted.map(([key], index) => [key, states[index] as KeyState]))
}
