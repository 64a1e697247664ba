/** So many may be inside at once; the others wait in the order in which they came. */
export class Places {
  readonly #waiting: Array<() => void> = []
  readonly #limit: number
  #taken = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Waits for a place; who has one gives it back with `leave`. Rejects once `signal`, if there is one, aborts. */
  enter(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#taken < this.#limit) {
        this.#taken += 1
        return resolve()
      }
      const proceed = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(proceed), 1)
        reject(signal?.reason)
      }
      this.#waiting.push(proceed)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Hands the place on, if someone waits for it. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken -= 1
    else next()
  }
}
