import type { Bytes, Ms } from '#core/clock.ts'
import type { AuditEvent, Block } from './event-grouper.ts'
import type { Place } from './places.ts'

/** What one request of PutLogEvents takes, as the service says. */
export const BATCH_LIMITS = {
  events: 10_000,
  bytes: 1_048_576 as Bytes,
  /** Beside its text, each event counts as so much. */
  overhead: 26 as Bytes,
  /** Between the first and the last. */
  span: (24 * 3_600_000) as Ms,
  past: (14 * 24 * 3_600_000) as Ms,
  future: (2 * 3_600_000) as Ms,
} as const

/** The service's clock need not be ours, and a request may be tried again. */
const MARGIN: Ms = 5 * 60_000

/** Something that is to be carried away, in the order of the log. */
export interface Waiting {
  readonly event: AuditEvent | undefined
  /** When it has been, all before here has been. */
  readonly end: Place | undefined
}

export interface Batch {
  /** In the order of their times. */
  readonly events: readonly AuditEvent[]
  /** Of `waiting`, the first so many. */
  readonly taken: number
  /** Of these, the last place that there was. */
  readonly end: Place | undefined
  /** How many are told at another time than their own, which the service would not take; their text says when it was. */
  readonly moved: number
}

export function waitingOf({ events, end }: Block): Waiting[] {
  if (events.length === 0) return [{ event: undefined, end }]
  return events.map((event, at) => ({ event, end: at === events.length - 1 ? end : undefined }))
}

export function sizeOf({ message }: AuditEvent): Bytes {
  return Buffer.byteLength(message) + BATCH_LIMITS.overhead
}

/**
 * The next request: of what waits, as much as fits, in its order. Nothing is left out: an event that is too old or too far
 * ahead for the service is put at the nearest time that it takes.
 */
export function nextBatch(waiting: readonly Waiting[], now: Ms): Batch {
  const events: AuditEvent[] = []
  let [bytes, moved, taken] = [0, 0, 0]
  let [first, last] = [Infinity, -Infinity]
  let end: Place | undefined
  for (const each of waiting) {
    if (each.event !== undefined) {
      const event = within(each.event, now)
      const size = sizeOf(event)
      first = Math.min(first, event.at)
      last = Math.max(last, event.at)
      const fits =
        events.length < BATCH_LIMITS.events &&
        bytes + size <= BATCH_LIMITS.bytes &&
        last - first <= BATCH_LIMITS.span
      if (!fits && events.length > 0) break
      events.push(event)
      bytes += size
      if (event !== each.event) moved += 1
    }
    taken += 1
    end = each.end ?? end
  }
  // Stable, so that events of one time stay in the order of the log.
  return { events: events.sort((one, other) => one.at - other.at), taken, end, moved }
}

function within(event: AuditEvent, now: Ms): AuditEvent {
  const earliest = now - BATCH_LIMITS.past + MARGIN
  const latest = now + BATCH_LIMITS.future - MARGIN
  const at = Math.min(Math.max(event.at, earliest), latest)
  return at === event.at ? event : { ...event, at }
}
