import * as z from 'zod'
import type { Clock } from '#core/clock.ts'
import type { Unreadable } from '#core/installation/inventory.ts'
import { partOfPlan } from '#core/snapshots/by-hand.ts'
import { coverageOf } from '#core/snapshots/coverage.ts'
import { defaultPolicy } from '#core/snapshots/defaults.ts'
import { carryOut } from '#core/snapshots/io/carry-out.ts'
import { lastPolicy, notePolicy } from '#core/snapshots/io/gather.ts'
import { readKeys, type Survey, survey } from '#core/snapshots/io/survey.ts'
import type { KeyApi } from '#core/snapshots/key-api.ts'
import type { RunReport } from '#core/snapshots/run.ts'
import type { Source } from '#core/snapshots/snapshot.ts'
import type { SnapshotApi } from '#core/snapshots/snapshot-api.ts'
import { type Check, verifyPoints } from '#core/snapshots/verify.ts'
import type { Store } from '#core/store.ts'
import { createHandler, type HandlerOptions, type Summary } from './handler.ts'
import { DATASTORE_DIMENSION, METRICS_DIMENSION, METRICS_NAMESPACE } from './names.ts'

/** What the functions that look after snapshots work with. */
export interface SnapshotFunctionDeps {
  readonly workspace: string
  readonly region: string
  readonly store: Store
  readonly api: SnapshotApi
  readonly keyApi: KeyApi
  readonly clock: Clock
  sources(signal: AbortSignal): Promise<{
    readonly value: readonly Source[] | undefined
    readonly unreadable: readonly Unreadable[]
  }>
  /** The text of the policy; undefined where nobody has set one. */
  policy(signal: AbortSignal): Promise<string | undefined>
}

const eventSchema = z.strictObject({ trigger: z.literal('schedule') })

/**
 * One look at the snapshots of an installation: what is due is begun, or what may go is deleted, and how well each
 * datastore is covered is told. What is begun is not waited for; the next look sees what became of it. The two parts
 * are functions of their own, because whoever may make may not delete.
 */
export function createSnapshotFunction(
  { name, part }: { readonly name: string; readonly part: 'make' | 'delete' },
  deps: () => SnapshotFunctionDeps,
  options: Pick<HandlerOptions<unknown>, 'sink' | 'now'> = {},
) {
  return createHandler({
    name,
    event: eventSchema,
    metrics: { namespace: METRICS_NAMESPACE, dimension: METRICS_DIMENSION },
    ...options,
    async run({ signal, log }) {
      const { workspace, region, store, api, keyApi, clock, ...ask } = deps()
      const [{ value: sources = [], unreadable }, told] = await Promise.all([
        ask.sources(signal),
        ask.policy(signal),
      ])
      // Which default fits is seen from all that there is; while some of it cannot be read the one before goes on.
      const before =
        told === undefined && unreadable.length > 0 ? await lastPolicy(store, workspace) : undefined
      const policyText = told ?? before ?? defaultPolicy(sources)
      const { wall: now } = clock.now()
      const request = {
        ...{ workspace, region, policyText, sources, now },
        policySource: told === undefined ? 'the default policy' : 'the policy of this installation',
        unreadable: unreadable.map(({ error }) => error.message),
      }
      const seen = await survey(request, api, store, signal)
      await notePolicy(store, workspace, seen, policyText, now)
      const plan = partOfPlan(seen.plan, part)
      const shell = { api, store, clock, chance: Math.random, signal }
      const report = await carryOut(plan, seen.input, shell)
      for (const { action, region, name, sourceId, outcome, why } of report.results)
        log.info({ action, region, snapshot: name, source: sourceId, outcome, why }, 'acted')
      const keys = await readKeys(keyApi, seen.points, signal)
      const failed = verifyPoints(seen.input, seen.points, keys).filter(({ passed }) => !passed)
      for (const { set, says } of failed) log.warn({ set, says }, 'not as it should be')
      return summaryOf(seen, report, failed, coverageOf(seen.input, seen.points, keys), now)
    },
  })
}

/** What has gone wrong is one number, and no answer at all is as bad: the alarm takes both alike. */
function summaryOf(
  { plan }: Survey,
  { results }: RunReport,
  failed: readonly Check[],
  coverage: ReturnType<typeof coverageOf>,
  now: number,
): Summary {
  const count = (...outcomes: string[]) => results.filter(({ outcome }) => outcomes.includes(outcome)).length
  const ages = new Map(
    coverage.map(({ sourceId, newest }) => [
      sourceId,
      newest === undefined ? undefined : Math.round((now - newest) / 1000),
    ]),
  )
  const known = [...ages.values()].filter((age) => age !== undefined)
  const uncovered = ages.size - known.length
  return {
    fields: {
      ...{
        started: count('started', 'adopted'),
        deleted: count('deleted'),
        later: count('later', 'skipped'),
      },
      ...{ failed: count('failed'), faults: failed.length, uncovered, plan: plan.digest },
    },
    figures: {
      SnapshotFaults: failed.length + count('failed'),
      DatastoresUncovered: uncovered,
      OldestPointAge: known.length === 0 ? undefined : Math.max(...known),
    },
    each: {
      dimension: DATASTORE_DIMENSION,
      figures: new Map([...ages].map(([sourceId, age]) => [sourceId, { PointAge: age }])),
    },
  }
}
