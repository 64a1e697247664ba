import type { Bytes } from '#core/clock.ts'
import { parseLine, type Stamp } from '#core/logs/line.ts'

/**
 * Lines that were too long for a container's runtime. It writes them in pieces of a fixed size, each with a stamp of
 * its own, and kubelets before 1.23 (and some since, of other runtimes) print these stamps in the middle of the line:
 *
 * ```
 *   STAMP ........16 KiB........STAMP ........16 KiB........STAMP ...\n        one line of the program
 * ```
 *
 * Only a stamp at exactly such a seam is taken out, and only one that is no earlier than the piece before and not much
 * later; whatever else a line holds is the program's own. Lines are never joined over a line's end.
 */

/** Of containerd and Docker, and of CRI-O. */
const PIECES: readonly Bytes[] = [16 * 1024, 8 * 1024]

/** Shorter lines have no seam. */
export const SPLIT_FROM: Bytes = 8 * 1024

/** How many pieces a line of that many bytes may be in, if each has no stamp of its own. */
export function piecesOf(length: Bytes): number {
  return Math.max(1, Math.ceil(length / SPLIT_FROM))
}

/** The longest stamp with the space behind it: `2026-11-23T08:32:39.663019936+01:00 `. */
const STAMP_LIMIT: Bytes = 36
/** How long a program may take to write one line. */
const APART_MS = 60_000

/** The line as the program has written it, behind its first stamp. */
export function joinSplitLine(line: Buffer): Buffer {
  const first = stampAt(line, 0)
  if (first === undefined) return line
  for (const piece of PIECES) {
    const seams = findSeams(line, first, piece)
    if (seams.length > 0) return takeOut(line, seams)
  }
  return line
}

interface StampAt {
  readonly stamp: Stamp
  readonly from: number
  /** Where the text behind it begins. */
  readonly to: number
}

function findSeams(line: Buffer, first: StampAt, piece: Bytes): StampAt[] {
  const seams: StampAt[] = []
  let before = first
  for (;;) {
    const seam = stampAt(line, before.to + piece)
    if (seam === undefined || !goesOn(before.stamp, seam.stamp)) return seams
    seams.push(seam)
    before = seam
  }
}

function goesOn(before: Stamp, after: Stamp): boolean {
  return after >= before && Date.parse(after) - Date.parse(before) <= APART_MS
}

function stampAt(line: Buffer, from: number): StampAt | undefined {
  if (from >= line.length) return undefined
  // A stamp is of one-byte characters, and what follows it must not become a part of it.
  const head = line.toString('latin1', from, from + STAMP_LIMIT)
  const end = head.indexOf(' ')
  const { stamp } = end === -1 ? { stamp: undefined } : parseLine(head.slice(0, end))
  return stamp === undefined ? undefined : { stamp, from, to: from + end + 1 }
}

function takeOut(line: Buffer, seams: readonly StampAt[]): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (const seam of seams) {
    parts.push(line.subarray(from, seam.from))
    from = seam.to
  }
  return Buffer.concat([...parts, line.subarray(from)])
}
