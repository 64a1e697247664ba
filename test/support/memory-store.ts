import { PgctlError } from '#core/errors.ts'
import type { Store, Stored } from '#core/store.ts'

/** A store that a test can look into. */
export class MemoryStore implements Store {
  readonly documents = new Map<string, Stored>()
  #version = 0

  async read(key: string): Promise<Stored | undefined> {
    return this.documents.get(key)
  }

  async write(key: string, value: unknown, expected?: string | 'absent'): Promise<string> {
    if (expected !== undefined && expected !== (this.documents.get(key)?.version ?? 'absent'))
      throw new PgctlError('state-conflict', `${key} has changed`)
    const version = String(++this.#version)
    this.documents.set(key, { value: structuredClone(value), version })
    return version
  }

  async remove(key: string): Promise<void> {
    this.documents.delete(key)
  }

  async list(prefix: string): Promise<string[]> {
    return [...this.documents.keys()].filter((key) => key.startsWith(prefix)).sort()
  }

  async readAll(prefix: string): Promise<Map<string, Stored>> {
    return new Map((await this.list(prefix)).map((key) => [key, this.documents.get(key) as Stored]))
  }
}
