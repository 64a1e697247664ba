import type { Ms } from '#core/clock.ts'
import type { Cron } from '#core/snapshots/cron.ts'
import { formatWall, type WallTime, type Zone } from '#core/snapshots/zone.ts'

/**
 * When something is due. A slot is a place in the schedule and not a moment that somebody measured: two runs that
 * mean the same one agree on its key, whatever their clocks say.
 */
export interface Slot {
  /** `Europe/Berlin 2026-10-25T02:30 1`: the zone, the local time and which of its occurrences; the idempotency key. */
  readonly key: string
  /** What the clock on the wall shows, as the schedule has it; in a spring gap it never comes. */
  readonly wall: WallTime
  /** When it is due. */
  readonly instant: Ms
  /** Whether the clocks jumped over its local time, so that it is due at the next valid minute. */
  readonly moved: boolean
}

const DAY: Ms = 86_400_000
const MINUTE: Ms = 60_000
/** A 29 February comes after eight years at the latest. */
const LONGEST_WAIT_DAYS = 8 * 366

/** The slots due in `[from, until)`, in order; none falls on the instant of another. */
export function* slotsBetween(cron: Cron, zone: Zone, from: Ms, until: Ms): Generator<Slot> {
  let held: Slot | undefined
  for (const slot of slotsFrom(cron, zone, startOfDay(zone.wallAt(from)) - DAY)) {
    // Of several that fall on one instant a real local time wins: the gap's end has a slot of its own, or the
    // first of those that were jumped over stands for all.
    if (held !== undefined && held.instant !== slot.instant) {
      if (held.instant >= from && held.instant < until) yield held
      held = undefined
    }
    if (slot.instant >= until) return
    if (held === undefined || (held.moved && !slot.moved)) held = slot
  }
}

/** The slot that was due last, at `now` or before; undefined where there was none. */
export function lastSlot(cron: Cron, zone: Zone, now: Ms): Slot | undefined {
  const today = startOfDay(zone.wallAt(now))
  for (let back = 0; back <= LONGEST_WAIT_DAYS; back++) {
    const day = today - back * DAY
    if (!cron.matchesDay(dayOf(day))) continue
    const due = [...slotsBetween(cron, zone, now - (back + 2) * DAY, now + 1)].at(-1)
    if (due !== undefined) return due
  }
  return undefined
}

/** The slot that is due next, after `now`. */
export function nextSlot(cron: Cron, zone: Zone, now: Ms): Slot | undefined {
  return slotsBetween(cron, zone, now + 1, now + LONGEST_WAIT_DAYS * DAY).next().value ?? undefined
}

/** Slots by local time from the day of `start` on, without end but for a schedule that has no day at all. */
function* slotsFrom(cron: Cron, zone: Zone, start: WallTime): Generator<Slot> {
  let idle = 0
  for (let day = start; idle <= LONGEST_WAIT_DAYS; day += DAY, idle++) {
    if (!cron.matchesDay(dayOf(day))) continue
    idle = 0
    for (const time of cron.times) yield slotAt(zone, day + time * MINUTE)
  }
}

function slotAt(zone: Zone, wall: WallTime): Slot {
  return { key: slotKey(zone.name, wall), wall, ...zone.resolve(wall) }
}

/** An autumn repeat runs once: the first occurrence is the only one that a schedule has. */
function slotKey(zone: string, wall: WallTime): string {
  return `${zone} ${formatWall(wall)} 1`
}

function startOfDay(wall: WallTime): WallTime {
  return Math.floor(wall / DAY) * DAY
}

function dayOf(wall: WallTime) {
  const date = new Date(wall)
  return { month: date.getUTCMonth() + 1, dayOfMonth: date.getUTCDate(), dayOfWeek: date.getUTCDay() }
}
