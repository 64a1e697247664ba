import type { Bytes } from '#core/clock.ts'

/**
 * Events around those that were looked for, as `grep -B -A` shows lines: of each source for itself, and each event
 * once.
 *
 * ```
 *   a b c M d e f M g        before 1, after 1        c M d │ f M g        two groups
 * ```
 */

/** So many events of the same source. */
export interface ContextSize {
  readonly before: number
  readonly after: number
}

/** An event among those of its source. */
export interface Placed<Source extends object, Item> {
  readonly source: Source
  readonly item: Item
  /** Counts all events of the source, from 0. */
  readonly position: number
  /** Whether it was looked for, and not only stands beside one that was. */
  readonly isMatch: boolean
}

/** What events that may still be asked for may take, for each source; the earliest go first. */
const HELD_LIMIT: Bytes = 1024 * 1024

interface Around<Source extends object, Item> {
  next: number
  /** Events that are shown if one that is looked for follows. */
  held: Placed<Source, Item>[]
  weight: Bytes
  /** So many events are still shown because of one before them. */
  after: number
}

export class ContextSelect<Source extends object, Item> {
  readonly #size: ContextSize
  readonly #weigh: (item: Item) => Bytes
  readonly #sources = new Map<Source, Around<Source, Item>>()

  constructor(size: ContextSize, weigh: (item: Item) => Bytes) {
    this.#size = size
    this.#weigh = weigh
  }

  /** Takes the next event of a source; gives what is to be shown now, in the order of the source. */
  offer(source: Source, item: Item, isMatch: boolean): readonly Placed<Source, Item>[] {
    const around = this.#aroundOf(source)
    const placed = { source, item, position: around.next, isMatch }
    around.next += 1
    if (isMatch) {
      const shown = [...around.held, placed]
      around.held = []
      around.weight = 0
      around.after = this.#size.after
      return shown
    }
    if (around.after > 0) {
      around.after -= 1
      return [placed]
    }
    this.#hold(around, placed)
    return []
  }

  /** Shows nothing more because of what has gone before, of sources that are not `kept`. */
  forgetAllBut(kept: ReadonlySet<Source>): void {
    for (const [source, around] of this.#sources) if (!kept.has(source)) around.after = 0
  }

  #hold(around: Around<Source, Item>, placed: Placed<Source, Item>): void {
    if (this.#size.before === 0) return
    around.held.push(placed)
    around.weight += this.#weigh(placed.item)
    while (around.held.length > this.#size.before || (around.weight > HELD_LIMIT && around.held.length > 1))
      around.weight -= this.#weigh((around.held.shift() as Placed<Source, Item>).item)
  }

  #aroundOf(source: Source): Around<Source, Item> {
    let around = this.#sources.get(source)
    if (around === undefined) {
      around = { next: 0, held: [], weight: 0, after: 0 }
      this.#sources.set(source, around)
    }
    return around
  }
}

/** What would have been shown if only the last `count` of those that were looked for had been; in the same order. */
export function keepLastMatches<P extends Placed<object, unknown>>(
  shown: readonly P[],
  count: number,
  size: ContextSize,
): P[] {
  const matches = shown.filter(({ isMatch }) => isMatch)
  if (matches.length <= count) return [...shown]
  const positions = new Map<object, number[]>()
  for (const { source, position } of count === 0 ? [] : matches.slice(-count)) {
    const known = positions.get(source)
    if (known === undefined) positions.set(source, [position])
    else known.push(position)
  }
  return shown.filter(({ source, position }) => {
    const match = firstAtLeast(positions.get(source) ?? [], position - size.after)
    return match !== undefined && match <= position + size.before
  })
}

/** Of ascending numbers the first that is not below `least`. */
function firstAtLeast(ascending: readonly number[], least: number): number | undefined {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] as number) < least) low = middle + 1
    else high = middle
  }
  return ascending[low]
}

/** Numbers groups: events of one source without one missing between them, from 1 in the order of their beginnings. */
export class ContextGroups {
  readonly #last = new WeakMap<object, { position: number; group: number }>()
  #groups = 0

  groupOf({ source, position }: Placed<object, unknown>): number {
    const last = this.#last.get(source)
    if (last !== undefined && last.position + 1 === position) {
      last.position = position
      return last.group
    }
    this.#groups += 1
    this.#last.set(source, { position, group: this.#groups })
    return this.#groups
  }
}
