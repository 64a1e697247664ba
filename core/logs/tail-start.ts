import { addSeconds, type Stamp, secondOf } from '#core/logs/line.ts'
import { SPAN_SLACK_SECONDS } from '#core/logs/span.ts'

/**
 * Where the last lines before a moment begin. The API knows the last lines of a log, and those since a moment; so a
 * moment is sought since which there are enough, further and further back, by counting no more than are wanted:
 *
 * ```
 *   log  ├────────────────────────────────────────┤to├──────────────┤
 *                                            ├ 10 s ┤        too few
 *                                     ├──── 40 s ───┤        too few
 *             ├──────────────────── 160 s ──────────┤        enough: it is read from here
 * ```
 */

/** The last of the lines up to `to`, none of them before `from`. */
export interface TailWish {
  readonly lines: number
  readonly to: Stamp
  readonly from: Stamp | undefined
}

/** How far back is looked first, and so many times as far the next time. */
const FIRST_SECONDS = 10
const FURTHER = 4

/**
 * The whole second from which to read, without its zone; undefined where all of the log, or of what is since `from`,
 * has to be read. `first` is the stamp with which the log begins. `count` tells how many lines are stamped at or after
 * `least` among those that the API gives since a second, up to `to`; it may stop at as many as are wanted.
 */
export async function findTailStart(
  { lines, to, from }: TailWish,
  first: Stamp,
  count: (since: string, least: string) => Promise<number>,
): Promise<string | undefined> {
  const begins = from !== undefined && from > first ? from : first
  for (let seconds = FIRST_SECONDS; ; seconds *= FURTHER) {
    const since = addSeconds(secondOf(to), -seconds)
    // A log that begins after all that is wanted has nothing to look for.
    if (first > to && since <= secondOf(first)) return since
    if (since <= secondOf(begins)) return undefined
    // What is stamped earlier may stand after it by as much as stamps run backwards.
    if ((await count(since, addSeconds(since, SPAN_SLACK_SECONDS))) >= lines) return since
  }
}
