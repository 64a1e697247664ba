import { setTimeout as sleep } from 'node:timers/promises'
import middy from '@middy/core'
import type { Context } from 'aws-lambda'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import type * as z from 'zod'
import { isPgctlError, messageOf } from '#core/errors.ts'

/**
 * The one chain that every function runs in: request id, log, event schema, a signal that aborts while there is still
 * time to write down how it ended, and one line that sums it up. A failure is thrown on, so that the service tries again
 * and keeps what failed for good.
 */

/** How much of a function's time is kept for its end: a row of the ledger, the summary. */
const RESERVE_MS = 5_000
/** What a function that does not end by itself is left of it. */
const LAST_MS = 1_000

export interface Invocation<Event> {
  readonly event: Event
  readonly signal: AbortSignal
  readonly log: Logger
}

/** What a function says of a run: the summary's fields, and figures for metrics. */
export interface Summary {
  readonly fields: Readonly<Record<string, string | number | boolean | null>>
  readonly figures?: Figures
  /** Figures of several things, each told apart by more dimensions: a line each. */
  readonly series?: readonly {
    readonly dimensions: Readonly<Record<string, string>>
    readonly figures: Figures
  }[]
}

type Figures = Readonly<Record<string, number | undefined>>

export interface HandlerOptions<Event> {
  readonly name: string
  readonly event: z.ZodType<Event>
  readonly run: (invocation: Invocation<Event>) => Promise<Summary>
  readonly metrics: { readonly namespace: string; readonly dimension: string }
  /** Where lines go; the standard output unless a test reads them. */
  readonly sink?: DestinationStream
  readonly now?: () => number
}

/** Whatever bears one of these names is not written, at any depth that the functions' lines have. */
const SECRET_FIELDS = ['licenseKey', 'key', 'secret', 'password', 'token', 'authorization', 'SecretString']

export function createHandler<Event>(options: HandlerOptions<Event>) {
  const { name, event: schema, run, metrics, now = Date.now } = options
  // Lines that wait in a buffer are lost when the service freezes the process.
  const sink = options.sink ?? destination({ fd: 1, sync: true })
  const root = pino(
    {
      base: { function: name },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[withheld]',
      },
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
    },
    sink,
  )

  const chain = middy<unknown, unknown>({
    timeoutEarlyInMillis: RESERVE_MS,
    // The signal has aborted: whoever minds it ends within the reserve, and its own end is the better story.
    timeoutEarlyResponse: async () => {
      await sleep(RESERVE_MS - LAST_MS, undefined, { ref: false })
      throw new Error(`${name} did not end when it was told to`)
    },
  })
  return chain.handler(async (raw: unknown, context: Context, { signal }: { signal: AbortSignal }) => {
    const began = now()
    const log = root.child({ requestId: context.awsRequestId })
    try {
      const event = schema.parse(raw)
      const { fields, figures = {}, series = [] } = await run({ event, signal, log })
      for (const each of series) log.info(embedded(each.figures, each.dimensions), 'figures')
      log.info({ ...fields, ms: now() - began, ...embedded(figures) }, 'done')
      return fields
    } catch (error) {
      const { code, why } = isPgctlError(error) ? error : { code: 'internal', why: undefined }
      log.error({ code, error: messageOf(error), why, ms: now() - began }, 'failed')
      throw error
    }
  })

  /** Figures in the embedded metric format: the log line is the metric, and no call is made. */
  function embedded(figures: Figures, more: Readonly<Record<string, string>> = {}): object {
    const known = Object.entries(figures).filter(([, value]) => value !== undefined)
    if (known.length === 0) return {}
    return {
      _aws: {
        Timestamp: now(),
        CloudWatchMetrics: [
          {
            Namespace: metrics.namespace,
            Dimensions: [[metrics.dimension, ...Object.keys(more)]],
            Metrics: known.map(([metric]) => ({ Name: metric })),
          },
        ],
      },
      [metrics.dimension]: name,
      ...more,
      ...Object.fromEntries(known),
    }
  }
}
