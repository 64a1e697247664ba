import type { Ms } from '#core/clock.ts'

/** A span for a person: `45 s`, `7 min`, `3 h 12 min`, `2 d 4 h`. */
export function describeSpan(span: Ms): string {
  const seconds = Math.max(0, Math.round(span / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return hours * 60 === minutes ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}
