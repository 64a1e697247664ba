/** What a reader of logs should have printed, and how far what it printed is from that. */

import { STAMP_WIDTH } from './made-log.ts'
import type { WorldPlan } from './plan.ts'

/** One line that was written, in whose log, and as the how-many-eth there. */
export interface ExpectedLine {
  readonly pod: string
  readonly run: number
  readonly stamp: string
  readonly text: string
  /** Its place among all lines of its pod. */
  readonly place: number
}

/** Every line of every run, pod by pod, in the order in which it was written. */
export function expectedLines({ pods }: Pick<WorldPlan, 'pods'>): ExpectedLine[] {
  return pods.flatMap(({ name, runs }) => {
    let place = 0
    return runs.flatMap((log, run) =>
      Array.from({ length: log.lines }, (_, index) => {
        const line = log.line(index)
        return {
          pod: name,
          run,
          stamp: line.slice(0, STAMP_WIDTH - 1),
          text: line.slice(STAMP_WIDTH),
          place: place++,
        }
      }),
    )
  })
}

export interface Score {
  readonly expected: number
  readonly printed: number
  /** Lines that were written and not printed. */
  readonly lost: number
  /** Lines that were printed more often than they were written. */
  readonly doubled: number
  /** Printed lines that nobody wrote: pieces, mostly. */
  readonly fragments: number
  /** Lines printed after a later one of the same pod. */
  readonly disordered: number
  /** Lines printed after a later-stamped line of another pod. */
  readonly late: number
}

/**
 * Compares printed texts (bodies alone, without name or stamp) with what was to be printed. Lines with the same text
 * are taken for one another.
 */
export function scoreOf(expected: readonly ExpectedLine[], printed: readonly string[]): Score {
  const open = new Map<string, ExpectedLine[]>()
  for (const line of expected) {
    const same = open.get(line.text)
    if (same === undefined) open.set(line.text, [line])
    else same.push(line)
  }
  const known = new Set(open.keys())
  const reached = new Map<string, number>()
  const keys = new Map<string, string>()
  let latest = ''
  let [found, doubled, fragments, disordered, late] = [0, 0, 0, 0, 0]
  for (const text of printed) {
    const line = open.get(text)?.shift()
    if (line === undefined) {
      if (known.has(text)) doubled += 1
      else fragments += 1
      continue
    }
    found += 1
    if (line.place < (reached.get(line.pod) ?? -1)) disordered += 1
    else reached.set(line.pod, line.place)
    // Among the lines of its own pod, a stamp that runs backwards is no disorder.
    const before = keys.get(line.pod) ?? ''
    const key = line.stamp > before ? line.stamp : before
    keys.set(line.pod, key)
    if (key < latest) late += 1
    else latest = key
  }
  const lost = expected.length - found
  return { expected: expected.length, printed: printed.length, lost, doubled, fragments, disordered, late }
}
