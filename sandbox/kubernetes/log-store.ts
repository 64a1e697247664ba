/** What one run of a container has written: lines with the stamps that the node gave them. */

import type { Ms } from '#core/clock.ts'

export interface LogLine {
  /** Nanoseconds since 1970, as the container runtime stamps them. */
  readonly stamp: bigint
  /** The line without its end. */
  readonly text: string
}

/** Where the node starts a new file by itself. */
const LINES_KEPT = 20_000

/**
 * The log of a run. Lines are counted from the run's start, so that a reader keeps its place when older ones are
 * rotated away.
 */
export class RunLog {
  #lines: LogLine[] = []
  #first = 0
  #ended = false
  readonly #listeners = new Set<() => void>()

  /** The number of the oldest line that is still there. */
  get first(): number {
    return this.#first
  }

  /** The number that the next line will have. */
  get end(): number {
    return this.#first + this.#lines.length
  }

  /** Whether the run is over, so that no line will come. */
  get ended(): boolean {
    return this.#ended
  }

  /** Writes lines at once, as one write of the program gives them; stamps never go back. */
  append(texts: readonly string[], at: bigint): void {
    let stamp = at
    for (const text of texts) {
      const last = this.#lines.at(-1)?.stamp ?? 0n
      if (stamp <= last) stamp = last + 1n
      this.#lines.push({ stamp, text })
    }
    if (this.#lines.length > LINES_KEPT) this.#drop(this.#lines.length - LINES_KEPT / 2)
    this.#tell()
  }

  /** Up to `most` lines from number `from`, or from the oldest that is left. */
  read(from: number, most: number): LogLine[] {
    const start = Math.max(0, from - this.#first)
    return this.#lines.slice(start, start + most)
  }

  /** Rotates: only the newest `keep` lines can still be read. */
  rotate(keep: number): void {
    this.#drop(Math.max(0, this.#lines.length - keep))
  }

  /** Ends the run; followers are told once they have read everything. */
  close(): void {
    this.#ended = true
    this.#tell()
  }

  /** Calls `listener` after every change until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #drop(count: number): void {
    this.#lines = this.#lines.slice(count)
    this.#first += count
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}

/** The stamp of a moment; `nanoseconds` is its part below the millisecond. */
export function stampOf(wall: Ms, nanoseconds = 0): bigint {
  return BigInt(Math.floor(wall)) * 1_000_000n + BigInt(nanoseconds)
}

/** A stamp as the kubelet prints it: RFC 3339 with all nine digits, in UTC. */
export function formatStamp(stamp: bigint): string {
  const seconds = stamp / 1_000_000_000n
  const fraction = String(stamp % 1_000_000_000n).padStart(9, '0')
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}
