import * as z from 'zod'
import { tickBastion } from '#core/bastion/io/tick.ts'
import { figuresOf, summaryOf } from '#core/bastion/tick-figures.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type BastionFunctionDeps, wireBastionFunction } from './bastion-deps.ts'
import { createHandler, type HandlerOptions } from './handler.ts'
import { METRICS_DIMENSION, METRICS_NAMESPACE } from './names.ts'

/** What the schedule sends. */
const eventSchema = z.strictObject({ trigger: z.enum(['schedule']) })

/** Looks at the bastion once, and does what follows from it; each thing that is done is logged with its reason. */
export function createBastionTick(
  deps: () => BastionFunctionDeps,
  options: Pick<HandlerOptions<unknown>, 'sink' | 'now'> = {},
) {
  return createHandler({
    name: 'bastion-tick',
    event: eventSchema,
    metrics: { namespace: METRICS_NAMESPACE, dimension: METRICS_DIMENSION },
    ...options,
    async run({ signal, log }) {
      const { workspace, shell } = deps()
      const now = options.now?.() ?? systemClock.now().wall
      const report = await tickBastion({ workspace, now }, shell(signal))
      for (const result of report.results) log.info({ ...result }, 'action')
      return { fields: summaryOf(report), series: figuresOf(report, workspace, now) }
    },
  })
}

let wired: BastionFunctionDeps | undefined

export const handler = createBastionTick(() => {
  wired ??= wireBastionFunction(process.env, new URL('profiles/', import.meta.url))
  return wired
})
