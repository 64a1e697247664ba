/** Something that reports what happens to it. */
export interface EventSource<Event> {
  /** Calls `listener` for every event from now on. The returned function ends that; calling it twice is harmless. */
  subscribe(listener: (event: Event) => void): () => void
}

/**
 * An {@link EventSource} and the means to feed it.
 *
 * Events from before the first subscription are kept and given to it: what is made by an asynchronous call has
 * things to say before anyone can hold it. A source speaks a handful of times before then, never per byte.
 */
export class EventChannel<Event> implements EventSource<Event> {
  readonly #listeners = new Set<(event: Event) => void>()
  #early: Event[] | undefined = []

  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    const early = this.#early ?? []
    this.#early = undefined
    for (const event of early) listener(event)
    return () => this.#listeners.delete(listener)
  }

  emit(event: Event): void {
    this.#early?.push(event)
    for (const listener of [...this.#listeners]) listener(event)
  }
}
