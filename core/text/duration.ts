import type { Ms } from '#core/clock.ts'

const UNITS: Readonly<Record<string, Ms>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A span of time as people write it: `90s`, `10m`, `1h30m`, `2d`. Undefined for anything else, and for nothing at all. */
export function parseDuration(text: string): Ms | undefined {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return undefined
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g))
    total += Number(count) * (UNITS[unit as string] as Ms)
  return total > 0 ? total : undefined
}

const NAMES: readonly (readonly [size: Ms, name: string])[] = [
  [UNITS['d'] as Ms, 'd'],
  [UNITS['h'] as Ms, 'h'],
  [UNITS['m'] as Ms, 'min'],
  [UNITS['s'] as Ms, 's'],
]

/** A span of time for a person, in the largest unit that says it exactly: `10 min`, `90 s`. */
export function formatDuration(span: Ms): string {
  const [size, name] = NAMES.find(([unit]) => span >= unit && span % unit === 0) ?? [1, 'ms']
  return `${Math.round(span / size)} ${name}`
}
