import type { Ms } from '#core/clock.ts'

const UNITS: readonly (readonly [size: Ms, name: string])[] = [
  [24 * 60 * 60_000, 'd'],
  [60 * 60_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
]

/** How long ago `moment` was at `now`, for a person: `3 min ago`. A clock that is a little ahead says `just now`. */
export function describeAge(moment: Ms, now: Ms): string {
  const age = now - moment
  const unit = UNITS.find(([size]) => age >= size)
  return unit === undefined ? 'just now' : `${Math.floor(age / unit[0])} ${unit[1]} ago`
}
