import { writeSync } from 'node:fs'
import type { IPty } from '@lydell/node-pty'
import type { Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { ChildHome } from '#sandbox/agent/io/child-environment.ts'
import type { Handler, HandlerHost } from '#sandbox/agent/io/handler.ts'
import { isAlive, killSession, signalGroup } from '#sandbox/agent/io/process-group.ts'
import { OutputText } from '#sandbox/agent/output-text.ts'

/** How long a shell has to follow a hang-up before it is killed. */
const HANG_UP_GRACE: Ms = 200
/** The pty library drops what a paused terminal has not given 200 ms after its process ended. */
const EXIT_WATCH: Ms = 50
/** When a terminal that was full is tried again. */
const FULL_WAIT: Ms = 2

export interface TerminalOptions {
  /** What the shell runs; undefined is a shell for people. */
  readonly command: string | undefined
  /** What a shell for people is told to run first; empty for nothing. */
  readonly profile: string
  readonly home: ChildHome
  readonly clock: Clock
}

/** A shell, or a command in one, in a real pseudo-terminal. */
export class TerminalHandler implements Handler {
  readonly #host: HandlerHost
  readonly #pty: IPty
  readonly #clock: Clock
  readonly #ended: Promise<void>
  readonly #fd: number
  /** What the terminal has not taken yet. */
  readonly #typed: Uint8Array[] = []
  #running = true
  #stopping = false
  #unwatch: (() => void) | undefined

  /** @throws PgctlError `not-supported` where the optional pty library is not installed. */
  static async start(host: HandlerHost, options: TerminalOptions): Promise<TerminalHandler> {
    const { spawn } = await loadPty()
    const pty = spawn('/bin/sh', options.command === undefined ? ['-i'] : ['-c', options.command], {
      name: 'xterm-256color',
      cols: 80,
      rows: 24,
      cwd: options.home.directory,
      env: { ...options.home.environment },
      encoding: null,
    })
    // The vendor's agent types it, too: it is seen, and comes before any key of a person.
    if (options.command === undefined && options.profile !== '') pty.write(`${options.profile}\n`)
    return new TerminalHandler(host, pty, options.clock)
  }

  private constructor(host: HandlerHost, pty: IPty, clock: Clock) {
    this.#host = host
    this.#pty = pty
    // Not in its types, and in every version of it.
    this.#fd = (pty as unknown as { readonly fd: number }).fd
    this.#clock = clock
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended = promise
    // With no encoding the library gives the raw bytes, whatever its types say.
    const text = new OutputText()
    pty.onData((data) => {
      host.write(text.push(data as unknown as Uint8Array))
    })
    pty.onExit(() => {
      this.#running = false
      this.#unwatch?.()
      killSession(pty.pid)
      resolve()
      if (!this.#stopping) host.finish('')
    })
    host.ready()
  }

  input(bytes: Uint8Array): void {
    this.#typed.push(bytes)
    if (this.#typed.length === 1) this.#type()
  }

  /**
   * Types what waits, for as long as the terminal takes it. The library's own write would spin, and this whole
   * process with it, where the terminal is full and nobody reads it any more.
   */
  #type(): void {
    for (let next = this.#typed[0]; next !== undefined; next = this.#typed[0]) {
      const taken = this.#running ? writeNow(this.#fd, next) : next.length
      if (taken === 0) {
        this.#clock.after(FULL_WAIT, () => this.#type())
        return
      }
      this.#host.consumed(taken)
      if (taken === next.length) this.#typed.shift()
      else this.#typed[0] = next.subarray(taken)
    }
  }

  resize(columns: number, rows: number): void {
    if (!this.#running || columns <= 0 || rows <= 0) return
    try {
      this.#pty.resize(columns, rows)
    } catch {
      // The shell has ended and its terminal is gone; its exit is told a moment later.
    }
  }

  flow(open: boolean): void {
    if (!this.#running) return
    this.#unwatch?.()
    this.#unwatch = undefined
    if (open) this.#pty.resume()
    else {
      this.#pty.pause()
      this.#watchExit()
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (!this.#running) return
    this.#unwatch?.()
    this.#pty.resume()
    signalGroup(this.#pty.pid, 'SIGHUP')
    const cancel = this.#clock.after(HANG_UP_GRACE, () => killSession(this.#pty.pid))
    await this.#ended
    cancel()
  }

  disconnect(): void {}
  openStream(): void {}
  streamData(): void {}
  streamEnd(): void {}

  /** While the terminal is paused, looks whether its process has ended, so as to take what is left in time. */
  #watchExit(): void {
    this.#unwatch = this.#clock.after(EXIT_WATCH, () => {
      if (isAlive(this.#pty.pid)) this.#watchExit()
      else this.#pty.resume()
    })
  }
}

/** How much the terminal has taken at once; all, where there is no terminal any more. */
function writeNow(fd: number, bytes: Uint8Array): number {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : bytes.length
  }
}

async function loadPty(): Promise<typeof import('@lydell/node-pty')> {
  try {
    return await import('@lydell/node-pty')
  } catch (cause) {
    throw new PgctlError(
      'not-supported',
      'the sandbox cannot start a shell: this computer has no pty library',
      {
        why: 'the optional dependency @lydell/node-pty is not installed for this platform',
        next: 'run npm install on a platform that it supports, or use port sessions and exec only',
        cause,
      },
    )
  }
}
