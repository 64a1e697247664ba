import { type ChildProcess, spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { messageOf } from '#core/errors.ts'
import type { ChildHome } from '#sandbox/agent/io/child-environment.ts'
import type { Handler, HandlerHost } from '#sandbox/agent/io/handler.ts'
import { killSession, signalGroup } from '#sandbox/agent/io/process-group.ts'
import { OutputText } from '#sandbox/agent/output-text.ts'
import { splitWords } from '#sandbox/agent/words.ts'

/** Bytes that a client's keyboard sends for signals; anything else that is typed to a command is ignored. */
const SIGNAL_BYTES = new Map<number, NodeJS.Signals>([
  [3, 'SIGINT'],
  [26, 'SIGTSTP'],
  [28, 'SIGQUIT'],
])

/** What the vendor's agent says when a command could not be started, or was killed by a signal. */
const NOT_STARTED = 1
const KILLED_BY_SIGNAL = -1

export interface CommandOptions {
  readonly command: string
  /** Standard error apart and the exit code at the end; otherwise both streams together, once it has ended. */
  readonly separate: boolean
  readonly home: ChildHome
}

/** A command without a terminal and without a shell. */
export class CommandHandler implements Handler {
  readonly #host: HandlerHost
  readonly #options: CommandOptions
  #child: ChildProcess | undefined
  #outputs: Readable[] = []
  #ended: Promise<void> = Promise.resolve()
  #flowing = true
  #stopping = false

  constructor(host: HandlerHost, options: CommandOptions) {
    this.#host = host
    this.#options = options
  }

  /** Starts the command; what becomes of it goes to the client. */
  start(): void {
    this.#host.ready()
    const words = splitWords(this.#options.command)
    const [program, ...rest] = words ?? []
    if (program === undefined) this.#notStarted('Failed to parse commands input')
    else this.#ended = this.#run(program, rest)
  }

  input(bytes: Uint8Array): void {
    this.#host.consumed(bytes.length)
    for (const byte of bytes) {
      const signal = SIGNAL_BYTES.get(byte)
      if (signal === undefined) continue
      if (this.#child?.pid !== undefined) signalGroup(this.#child.pid, signal)
      return
    }
  }

  flow(open: boolean): void {
    this.#flowing = open
    for (const output of this.#outputs) {
      if (open) output.resume()
      else output.pause()
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#child?.pid !== undefined) killSession(this.#child.pid)
    for (const output of this.#outputs) output.destroy()
    await this.#ended
  }

  resize(): void {}
  disconnect(): void {}
  openStream(): void {}
  streamData(): void {}
  streamEnd(): void {}

  async #run(program: string, words: readonly string[]): Promise<void> {
    try {
      await (this.#options.separate ? this.#runSeparate(program, words) : this.#runTogether(program, words))
    } catch (error) {
      this.#notStarted(`Error occurred starting the command: ${messageOf(error)}`)
    }
  }

  async #runSeparate(program: string, words: readonly string[]): Promise<void> {
    const child = this.#spawn(program, words, 'pipe')
    const ends = [this.#forward(child.stdout, 'output'), this.#forward(child.stderr, 'error')]
    const status = await exitOf(child)
    await Promise.all(ends)
    this.#host.exitCode(status)
    this.#finish()
  }

  /** As the vendor's: both streams into one file, which is sent when the command has ended. */
  async #runTogether(program: string, words: readonly string[]): Promise<void> {
    const path = join(this.#options.home.directory, `.output-${crypto.randomUUID()}`)
    await using file = await open(path, 'wx', 0o600)
    try {
      await exitOf(this.#spawn(program, words, file.fd))
      if (!this.#stopping) await this.#forward(createReadStream(path), 'output')
      this.#finish()
    } finally {
      await rm(path, { force: true })
    }
  }

  #spawn(program: string, words: readonly string[], output: 'pipe' | number): ChildProcess {
    const { directory, environment } = this.#options.home
    // A session of its own, so that what the command started ends with it.
    const child = spawn(program, words, {
      cwd: directory,
      env: { ...environment },
      stdio: ['ignore', output, output],
      detached: true,
    })
    this.#child = child
    return child
  }

  async #forward(output: Readable | null, stream: 'output' | 'error'): Promise<void> {
    if (output === null) return
    this.#outputs.push(output)
    if (!this.#flowing) output.pause()
    const text = new OutputText()
    output.on('data', (bytes: Uint8Array) => {
      this.#host.write(text.push(bytes), stream)
    })
    await new Promise<void>((resolve) => {
      output.once('close', resolve)
      output.once('error', () => resolve())
    })
  }

  /** The vendor's agent tells the code first and the reason after it. */
  #notStarted(reason: string): void {
    if (this.#options.separate) this.#host.exitCode(NOT_STARTED)
    this.#host.write(Buffer.from(`${reason}\n`))
    this.#finish()
  }

  #finish(): void {
    if (this.#child?.pid !== undefined) killSession(this.#child.pid)
    if (this.#stopping) return
    this.#host.finish('')
  }
}

/** The exit code of a child whose end has been awaited. @throws what kept it from being started. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? KILLED_BY_SIGNAL))
  })
}
