import { type IPty, spawn } from '@lydell/node-pty'
import xterm from '@xterm/headless'
import { soon } from './eventually.ts'

export interface PtyOptions {
  readonly columns?: number
  readonly rows?: number
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
}

/** Somebody in front of a real pseudo-terminal: what the screen shows, what was ever written to it, and a keyboard. */
export class PtyPerson implements AsyncDisposable {
  readonly exit: Promise<{ readonly exitCode: number; readonly signal: number | undefined }>
  readonly terminal: InstanceType<typeof xterm.Terminal>
  readonly #pty: IPty
  readonly #waiting = new Set<() => void>()
  #written = ''
  #hasExited = false

  constructor(command: string, words: readonly string[], options: PtyOptions) {
    const { columns = 80, rows = 24, environment, cwd } = options
    this.terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
    this.#pty = spawn(command, [...words], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      cwd,
      env: { ...environment },
    })
    this.#pty.onData((text) => {
      this.#written += text
      this.terminal.write(text, () => this.#wake())
    })
    this.exit = new Promise((resolve) =>
      this.#pty.onExit(({ exitCode, signal }) =>
        // The screen takes what is written to it a little later.
        this.terminal.write('', () => {
          this.#hasExited = true
          resolve({ exitCode, signal })
          this.#wake()
        }),
      ),
    )
  }

  /** Everything that was written to the terminal, as bytes read as Latin-1 would be. */
  get written(): string {
    return this.#written
  }

  /** The lines of the screen and of what has scrolled away. */
  get lines(): string[] {
    const { active } = this.terminal.buffer
    return Array.from(
      { length: active.length },
      (_, row) => active.getLine(row)?.translateToString(true) ?? '',
    )
  }

  type(text: string): void {
    this.#pty.write(text)
  }

  resize(columns: number, rows: number): void {
    this.terminal.resize(columns, rows)
    this.#pty.resize(columns, rows)
  }

  get pid(): number {
    return this.#pty.pid
  }

  /** Closes the window: the process loses its terminal, and every use of it fails from then on. */
  hangUp(): void {
    // The library's types leave it out.
    ;(this.#pty as IPty & { destroy(): void }).destroy()
  }

  /** Resolves once a line of the screen matches, with the match. @throws Error when none ever does. */
  sees(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(() => {
      for (const line of this.lines) {
        const match = pattern.exec(line)
        if (match !== null) return match
      }
      return undefined
    }, String(pattern))
  }

  /** Resolves with what `find` gives once it is something; it is asked whenever the screen has changed. */
  async until<T>(find: () => T | undefined, what: string): Promise<T> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      const shown = () => this.lines.slice(-50).join('\n').trimEnd()
      if (this.#hasExited) throw new Error(`it ended without ${what}, and shows:\n${shown()}`)
      const change = new Promise<void>((resolve) => this.#waiting.add(resolve))
      try {
        await soon(change, what)
      } catch (error) {
        throw new Error(`${(error as Error).message}; the screen shows:\n${shown()}`)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasExited) this.#pty.kill('SIGKILL')
    await this.exit
    this.terminal.dispose()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
