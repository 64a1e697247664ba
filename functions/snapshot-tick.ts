import * as z from 'zod'
import { systemClock } from '#core/io/system-clock.ts'
import { tick } from '#core/snapshots/io/tick.ts'
import { figuresOf, summaryOf, troublesOf } from '#core/snapshots/tick-figures.ts'
import { createHandler, type HandlerOptions } from './handler.ts'
import { METRICS_DIMENSION, METRICS_NAMESPACE } from './names.ts'
import { type SnapshotFunctionDeps, wireSnapshotFunction } from './snapshot-deps.ts'

/** What the schedule sends. */
const eventSchema = z.strictObject({ trigger: z.enum(['schedule']) })

/** Begins what the policy has due, deletes what no rule keeps, verifies what there is; the next run sees the rest. */
export function createSnapshotTick(
  deps: () => SnapshotFunctionDeps,
  options: Pick<HandlerOptions<unknown>, 'sink' | 'now'> = {},
) {
  return createHandler({
    name: 'snapshot-tick',
    event: eventSchema,
    metrics: { namespace: METRICS_NAMESPACE, dimension: METRICS_DIMENSION },
    ...options,
    async run({ signal, log }) {
      const { workspace, region, shell } = deps()
      const now = options.now?.() ?? systemClock.now().wall
      const report = await tick({ workspace, region, now }, shell(signal))
      for (const trouble of troublesOf(report)) log.warn({ ...trouble }, 'trouble')
      return { fields: summaryOf(report), series: figuresOf(report, workspace) }
    },
  })
}

let wired: SnapshotFunctionDeps | undefined

export const handler = createSnapshotTick(() => {
  wired ??= wireSnapshotFunction(process.env, new URL('profiles/', import.meta.url))
  return wired
})
