import * as z from 'zod'
import type { Ms } from '#core/clock.ts'
import { AwsError } from '../aws-error.ts'

/** What PutLogEvents takes of a batch: it refuses the whole where its form is wrong, and single events for their times. */

const MOST_EVENTS = 10_000
const MOST_BYTES = 1_048_576
const OVERHEAD = 26
const HOUR: Ms = 3_600_000
const SPAN: Ms = 24 * HOUR
const PAST: Ms = 14 * 24 * HOUR
const FUTURE: Ms = 2 * HOUR

const eventSchema = z.object({ timestamp: z.number().int().min(0), message: z.string().min(1) })
export type InputEvent = z.infer<typeof eventSchema>

/** Indices into the batch, as the service gives them: the start is the first that is refused, the ends are behind the last. */
interface Rejected {
  readonly tooNewLogEventStartIndex?: number
  readonly tooOldLogEventEndIndex?: number
}

export function acceptedEvents(
  input: unknown,
  now: Ms,
): { readonly accepted: readonly InputEvent[]; readonly rejected: Rejected | undefined } {
  const parsed = z.array(eventSchema).min(1).max(MOST_EVENTS).safeParse(input)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const place = ['logEvents', ...(issue?.path ?? [])].join('.')
    throw invalid(
      `1 validation error detected: Value at '${place}' failed to satisfy constraint: ${issue?.message}`,
    )
  }
  const events = parsed.data
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + OVERHEAD, 0)
  if (bytes > MOST_BYTES) throw invalid(`Upload too large: ${bytes} bytes exceeds limit of ${MOST_BYTES}`)
  if (events.some(({ timestamp }, at) => timestamp < (events[at - 1]?.timestamp ?? 0)))
    throw invalid('Log events in a single PutLogEvents request must be in chronological order.')
  const old = events.filter(({ timestamp }) => timestamp < now - PAST).length
  const taken = events.filter(({ timestamp }) => timestamp <= now + FUTURE).length
  const accepted = events.slice(old, taken)
  if ((accepted.at(-1)?.timestamp ?? 0) - (accepted[0]?.timestamp ?? 0) > SPAN)
    throw invalid('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.')
  const rejected = {
    ...(taken === events.length ? {} : { tooNewLogEventStartIndex: taken }),
    ...(old === 0 ? {} : { tooOldLogEventEndIndex: old }),
  }
  return { accepted, rejected: Object.keys(rejected).length === 0 ? undefined : rejected }
}

function invalid(why: string): AwsError {
  return new AwsError('InvalidParameterException', why)
}
