import { Writable } from 'node:stream'
import type { Bytes } from '#core/clock.ts'

/** More of an error is of no use to anybody. */
const LIMIT: Bytes = 8 * 1024

/** Takes the beginning of what a command says on stderr. */
export class LastWords extends Writable {
  #parts: Uint8Array[] = []
  #size: Bytes = 0

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8').trim()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    const kept = chunk.slice(0, Math.max(0, LIMIT - this.#size))
    this.#parts.push(kept)
    this.#size += kept.length
    callback()
  }
}
