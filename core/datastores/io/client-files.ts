import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The first descriptor of a program beside its three streams. */
const FIRST_DESCRIPTOR = 3

/**
 * Files that one program is to read and nobody else. On Linux they have no name: the program gets them as descriptors,
 * and they are gone with it and with us, however both end. Elsewhere a descriptor cannot be opened twice, and they lie
 * in a folder for the person alone until disposal.
 */
export class ClientFiles implements Disposable {
  readonly #descriptors: number[] = []
  readonly #nameless: boolean
  #folder: string | undefined

  constructor(nameless = process.platform === 'linux') {
    this.#nameless = nameless
  }

  /** What the program must be started with, in this order behind its streams. */
  get descriptors(): readonly number[] {
    return this.#descriptors
  }

  /** Adds one, 0600, and answers the path under which the program finds it. */
  add(name: string, content: string): string {
    const folder = this.#makeFolder()
    const path = join(folder, name)
    writeFileSync(path, content, { mode: 0o600, flag: 'wx' })
    if (!this.#nameless) return path
    try {
      this.#descriptors.push(openSync(path, 'r'))
    } finally {
      this.#removeFolder()
    }
    return `/dev/fd/${FIRST_DESCRIPTOR + this.#descriptors.length - 1}`
  }

  /** Harmless when repeated. */
  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor)
    this.#removeFolder()
  }

  #makeFolder(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'pgctl-client-'))
    return this.#folder
  }

  #removeFolder(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}
