import type { ReadStream, WriteStream } from 'node:tty'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** What a terminal that tells no size is taken for. */
const USUAL_SIZE: TerminalSize = { columns: 80, rows: 24 }

/** Turns off what a broken session may have left on: colours, hidden cursor, mouse, bracketed paste, alternate screen. */
const SANE = [
  '[0m',
  '[?25h',
  '[?1000l',
  '[?1002l',
  '[?1003l',
  '[?1006l',
  '[?2004l',
  // Not ?1049l, which also moves the cursor where no alternate screen is on.
  '[?1047l',
]
  .map((sequence) => `\u001b${sequence}`)
  .join('')

/**
 * The person's own terminal during a session: every key travels (raw mode), and it is put back however that ends.
 *
 * `restore` is synchronous, so that it also works in the last moment of a process, and may be called twice.
 */
export class LocalTerminal {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #onExit = () => this.restore()
  #raw = false

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input
    this.#output = output
  }

  get size(): TerminalSize {
    const { columns, rows } = this.#output
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL_SIZE
  }

  /** Sends every key through, unechoed and uninterpreted, from now on. */
  enterRaw(): void {
    if (this.#raw) return
    this.#raw = true
    process.on('exit', this.#onExit)
    this.#input.setRawMode(true)
  }

  /** Calls `listener` at every change of size. The returned function ends that. */
  onResize(listener: (size: TerminalSize) => void): () => void {
    const onChange = () => listener(this.size)
    this.#output.on('resize', onChange)
    return () => this.#output.off('resize', onChange)
  }

  restore(): void {
    if (!this.#raw) return
    this.#raw = false
    process.off('exit', this.#onExit)
    try {
      this.#input.setRawMode(false)
    } catch {
      // The window is closed: there is no terminal left to put back.
    }
    this.#input.pause()
    this.#output.write(SANE)
  }
}
