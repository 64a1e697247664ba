import { Writable } from 'node:stream'

/** A stream that keeps what is written to it. */
export class Collected extends Writable {
  readonly #chunks: Buffer[] = []
  readonly #waiting = new Set<() => void>()

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#chunks.push(chunk)
    for (const wake of this.#waiting) wake()
    callback()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString()
  }

  /** Resolves once `text` has been written. */
  async saw(text: string): Promise<void> {
    while (!this.text.includes(text)) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }
}
