import { type Clock, sleep } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { backoff, REQUEST_RETRY } from '#core/retry.ts'
import { fingerprintKey } from '#core/snapshots/fingerprint.ts'
import type { Plan, PlanInput } from '#core/snapshots/plan.ts'
import { joinPoints, type PointRecord, parsePoint, pointKey } from '#core/snapshots/points.ts'
import { parseRecords, recordsDocument, type SnapshotRecord } from '#core/snapshots/records.ts'
import { type Answer, type RunReport, run, type Step } from '#core/snapshots/run.ts'
import { snapshotId } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import type { Store } from '#core/store.ts'

/** The shell around a run: takes its steps, in order, and tells it what came of each. */
export interface RunShell {
  readonly api: SnapshotApi
  readonly store: Store
  readonly clock: Clock
  /** A number in [0, 1). */
  readonly chance: () => number
  readonly signal?: AbortSignal
}

/** Carries out `plan`, made from `input`. Whatever a store or the signal throws ends it; it may be run again. */
export async function carryOut(plan: Plan, input: PlanInput, shell: RunShell): Promise<RunReport> {
  const machine = run(plan, input)
  for (let turn = machine.next(); ; ) {
    if (turn.done) return turn.value
    shell.signal?.throwIfAborted()
    turn = machine.next(await take(turn.value, input.workspace, shell))
  }
}

async function take(
  step: Step,
  workspace: string,
  { api, store, clock, chance, signal }: RunShell,
): Promise<Answer> {
  switch (step.kind) {
    case 'create':
      return await api.create(step.action, signal)
    case 'copy':
      return await api.copy(step.action, signal)
    case 'remove':
      return await api.remove(step.target, signal)
    case 'list':
      return await api.list(step.shelf, step.region, { tags: true }, signal)
    case 'remember':
      await changeRecords(store, workspace, step.record, true)
      return undefined
    case 'forget':
      await changeRecords(store, workspace, step.record, false)
      return undefined
    case 'forget-point':
      await store.remove(pointKey(workspace, step.id))
      await store.remove(fingerprintKey(workspace, step.id))
      return undefined
    case 'remember-point':
      await notePoint(store, pointKey(workspace, step.point.id), step.point)
      return undefined
    case 'pause':
      await sleep(clock, backoff(REQUEST_RETRY, step.attempt, chance()), signal)
      return undefined
  }
}

/** Another run may write at the same time: what it wrote is read again and kept. */
async function changeRecords(
  store: Store,
  workspace: string,
  record: SnapshotRecord,
  present: boolean,
): Promise<void> {
  const key = `snapshots/${workspace}/sources/${record.source}`
  for (;;) {
    const stored = await store.read(key)
    const { [snapshotId(record)]: _before, ...others } =
      stored === undefined ? {} : parseRecords(stored.value, key)
    const after = present ? { ...others, [snapshotId(record)]: record } : others
    try {
      await store.write(key, recordsDocument(after), stored?.version ?? 'absent')
      return
    } catch (error) {
      if (!isPgctlError(error, 'state-conflict')) throw error
    }
  }
}

/** What a point should hold is said once; a second run only adds what the first could not see. */
async function notePoint(store: Store, key: string, point: PointRecord): Promise<void> {
  for (;;) {
    const stored = await store.read(key)
    const before = stored && parsePoint(stored.value, key)
    const after = before === undefined ? point : joinPoints(before, point)
    if (after === before) return
    try {
      await store.write(key, after, stored?.version ?? 'absent')
      return
    } catch (error) {
      if (!isPgctlError(error, 'state-conflict')) throw error
    }
  }
}
