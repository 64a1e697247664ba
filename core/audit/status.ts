import * as z from 'zod'

/** What the stream of audit events says of itself, in a file that everybody on the machine may read. */
export const STREAM_STATUS_FILE = '/run/pgctl-audit-stream/status.json'

const schema = z.object({
  v: z.literal(1),
  /** When it said so. */
  at: z.number(),
  /**
   * When the oldest event happened that has been read and is not in the log yet; where none can be read, since when; null
   * where nothing waits.
   */
  oldest: z.number().nullable(),
  /** The code of what keeps it from going on. */
  trouble: z.string().nullable(),
  /** Since it started: events that are in the log, that it has refused, and that stand at another time than their own. */
  shipped: z.number().int(),
  refused: z.number().int(),
  moved: z.number().int(),
})

export type StreamStatus = z.infer<typeof schema>

export function parseStreamStatus(text: string): StreamStatus | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
