import type { LogLine, Stamp } from '#core/logs/line.ts'

/** Where minutes begin in a stamp; what is before is the same for all lines that are ever compared. */
const MINUTES = 14
/** Longer texts are told apart by so many of their characters, evenly spread, and their length. */
const SAMPLES = 12

/**
 * Tells a line from others by its stamp and text, in a number that pins no text in memory (a slice of a string
 * keeps the whole chunk alive that it was cut from).
 *
 * It only ever tells apart lines of one container written within about two seconds, whose stamps have nanoseconds;
 * two lines that it takes for one another cost a moment's doubt about the place, never a line, as the place is
 * counted. So reading a long text in samples is enough, and keeps this far cheaper than the reading of the line.
 */
export function fingerprint({ stamp, text }: LogLine & { stamp: Stamp }): number {
  let hash = 0x811c9dc5 ^ text.length
  for (let index = MINUTES; index < stamp.length; index++)
    hash = Math.imul(hash ^ stamp.charCodeAt(index), 0x01000193)
  const step = Math.max(1, Math.floor(text.length / SAMPLES))
  for (let index = text.length - 1; index >= 0; index -= step)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}
