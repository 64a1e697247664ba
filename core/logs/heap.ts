/** The least element first, by `precedes`. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #precedes: (a: T, b: T) => boolean

  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes
  }

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#precedes(item, items[parent] as T)) break
      items[at] = items[parent] as T
      at = parent
    }
    items[at] = item
  }

  /** The least; it may be changed if `settle` is called then. */
  get least(): T | undefined {
    return this.#items[0]
  }

  /** Puts the least in its place after it has become greater; far cheaper than to take it out and put it back. */
  settle(): void {
    const least = this.#items[0]
    if (least !== undefined) this.#sink(least)
  }

  pop(): T | undefined {
    const items = this.#items
    const least = items[0]
    const moved = items.pop()
    if (items.length > 0) this.#sink(moved as T)
    return least
  }

  #sink(item: T): void {
    const items = this.#items
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#precedes(items[child + 1] as T, items[child] as T)) child += 1
      if (!this.#precedes(items[child] as T, item)) break
      items[at] = items[child] as T
      at = child
    }
    items[at] = item
  }
}
