import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bytes } from '#core/clock.ts'

export interface ProgramOutcome {
  readonly status: number
  readonly output: string
  readonly errors: string
}

/** An answer of a client is a few lines; of errors the first ones say what is wrong. */
const MOST_TEXT: Bytes = 16 * 1024 * 1024

/** Gives a program its input, and collects what it says; an abort kills it and throws the signal's reason. */
export async function runProgram(
  child: ChildProcess,
  input: string | Readable,
  signal: AbortSignal,
): Promise<ProgramOutcome> {
  const stop = () => void child.kill('SIGKILL')
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const [output, errors] = [collect(child.stdout), collect(child.stderr)]
  try {
    const closed = once(child, 'close')
    const fed = feed(child, input)
    const [status] = (await closed) as [number | null]
    // A program that has seen enough closes its input: that is its own affair, and its status says the rest.
    await fed.catch(() => {})
    signal.throwIfAborted()
    return { status: status ?? 1, output: output(), errors: errors() }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function feed(child: ChildProcess, input: string | Readable): Promise<void> {
  if (child.stdin === null) return
  child.stdin.on('error', () => {})
  if (typeof input === 'string') child.stdin.end(input)
  else await pipeline(input, child.stdin)
}

function collect(stream: Readable | null): () => string {
  const parts: Buffer[] = []
  let size = 0
  stream?.on('data', (part: Buffer) => {
    if (size < MOST_TEXT) parts.push(part)
    size += part.length
  })
  return () => Buffer.concat(parts).toString('utf8')
}

/** Waits for the end of a server; the last that it said is kept for when it ends too soon. */
export class Server {
  readonly #child: ChildProcess
  #said = ''
  #status: number | null | undefined

  constructor(child: ChildProcess) {
    this.#child = child
    const hear = (part: Buffer) => {
      this.#said = `${this.#said}${part.toString('utf8')}`.slice(-64 * 1024)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.stdin?.on('error', () => {})
    child.on('error', (error) => {
      this.#said += error.message
      this.#status = 1
    })
    child.on('exit', (status) => {
      this.#status = status
    })
  }

  get hasEnded(): boolean {
    return this.#status !== undefined
  }

  get said(): string {
    return this.#said
  }

  /** The last line that says something is wrong, or the last one. */
  get complaint(): string {
    const lines = this.#said.split('\n').filter((line) => line.trim() !== '')
    const wrong =
      lines.findLast((line) => /unexpected|wrong|can't handle|checksum|short read|corrupt/i.test(line)) ??
      lines.findLast((line) => /FATAL|ERROR|fail|bad/i.test(line))
    return (wrong ?? lines.at(-1) ?? 'it said nothing').trim().slice(0, 300)
  }

  /** Asks it to end, and makes it after a while. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(force)
  }
}
