import type { Bytes, Ms } from '#core/clock.ts'

interface Entry {
  readonly value: Buffer
  /** Wall time; undefined for one that stays. */
  readonly expires: Ms | undefined
}

/** All of one cache: numbered databases of texts, which end when they said. */
export class RedisStore {
  readonly #databases = new Map<number, Map<string, Entry>>()
  readonly #most: Bytes
  #held: Bytes = 0

  /** `most` is what keys and values together may hold. */
  constructor(most: Bytes) {
    this.#most = most
  }

  get held(): Bytes {
    return this.#held
  }

  get(database: number, key: string, now: Ms): Entry | undefined {
    const entry = this.#databases.get(database)?.get(key)
    if (entry === undefined || entry.expires === undefined || entry.expires > now) return entry
    this.delete(database, key)
    return undefined
  }

  /** Whether there was room. */
  set(database: number, key: string, entry: Entry): boolean {
    const before = this.#databases.get(database)?.get(key)
    const more = sizeOf(key, entry) - (before === undefined ? 0 : sizeOf(key, before))
    if (more > 0 && this.#held + more > this.#most) return false
    const entries = this.#databases.get(database) ?? new Map<string, Entry>()
    this.#databases.set(database, entries)
    entries.set(key, entry)
    this.#held += more
    return true
  }

  delete(database: number, key: string): boolean {
    const entries = this.#databases.get(database)
    const entry = entries?.get(key)
    if (entry === undefined) return false
    this.#held -= sizeOf(key, entry)
    return entries?.delete(key) ?? false
  }

  /** The keys of a database that have not ended, the oldest first. */
  keys(database: number, now: Ms): string[] {
    const keys = [...(this.#databases.get(database)?.keys() ?? [])]
    return keys.filter((key) => this.get(database, key, now) !== undefined)
  }

  /** The databases that hold anything. */
  databases(): number[] {
    return [...this.#databases.keys()].sort((a, b) => a - b)
  }

  clear(database?: number): void {
    for (const number of database === undefined ? this.databases() : [database])
      for (const key of [...(this.#databases.get(number)?.keys() ?? [])]) this.delete(number, key)
  }
}

function sizeOf(key: string, { value }: Entry): Bytes {
  return key.length + value.length
}
