/**
 * A first-in, first-out queue with constant-time ends.
 *
 * `Array.prototype.shift` moves every element; queues here hold thousands of messages, so the head is an index and
 * the spent front is cut off once it is the larger half.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The oldest item, which stays. */
  peek(): T | undefined {
    return this.#items[this.#head]
  }

  /** Takes the oldest item, or undefined when there is none. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head++
    if (this.#head === this.#items.length) this.clear()
    else if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }
}
