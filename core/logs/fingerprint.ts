import type { LogLine, Stamp } from '#core/logs/line.ts'

/**
 * Tells a line from others by its stamp and text, in a number that pins no text in memory (a slice of a string
 * keeps the whole chunk alive that it was cut from).
 *
 * Two 26-bit hashes in one safe integer: stamps have nanoseconds, so it only ever tells apart lines of one container
 * written within about two seconds.
 */
export function fingerprint({ stamp, text }: LogLine & { stamp: Stamp }): number {
  let a = 0x811c9dc5
  let b = 0x2f0b4a27
  for (let index = 0; index < stamp.length; index++) {
    const unit = stamp.charCodeAt(index)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b + unit, 0x85ebca6b) ^ (b >>> 15)
  }
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b + unit, 0x85ebca6b) ^ (b >>> 15)
  }
  return (a >>> 6) * 0x4000000 + (b >>> 6)
}
