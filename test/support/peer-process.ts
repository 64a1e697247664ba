import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { soon } from './eventually.ts'

export interface PeerOptions {
  /** All that it sees of its surroundings; nothing of this process's. */
  readonly environment: Readonly<Record<string, string>>
  readonly cwd?: string
  /** When it is killed in any case. */
  readonly timeoutMs?: number
}

export interface PeerOutcome {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const TIMEOUT_MS = 120_000
/** A browser takes its time to start on a busy machine. */
const PATIENCE_MS = 45_000
const running = new Set<PeerProcess>()
process.once('exit', () => {
  for (const peer of running) peer.killGroup()
})

/**
 * Another project's program that runs, in a process group of its own and without standard input. It is ended with its
 * whole group by disposal, by its timeout, and with this process.
 */
export class PeerProcess implements AsyncDisposable {
  readonly outcome: Promise<PeerOutcome>
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #said = { stdout: '', stderr: '' }
  readonly #waiting = new Set<() => void>()
  readonly #name: string
  #ended = false

  constructor(program: string, words: readonly string[], options: PeerOptions) {
    this.#name = `${program} ${words.join(' ')}`
    this.#child = spawn(program, words, {
      env: { ...options.environment },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    running.add(this)
    const timer = setTimeout(() => this.killGroup(), options.timeoutMs ?? TIMEOUT_MS)
    for (const name of ['stdout', 'stderr'] as const)
      this.#child[name].setEncoding('utf8').on('data', (text: string) => {
        this.#said[name] += text
        this.#wake()
      })
    this.outcome = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (status, signal) => {
        clearTimeout(timer)
        running.delete(this)
        this.#ended = true
        resolve({ ...this.#said, status, signal })
        this.#wake()
      })
    })
    this.outcome.catch(() => running.delete(this))
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`it could not be started: ${this.#name}`)
    return pid
  }

  get stdout(): string {
    return this.#said.stdout
  }

  get stderr(): string {
    return this.#said.stderr
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  killGroup(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }

  /** Resolves with the first match in what it has said on either stream. @throws Error when it ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#said.stdout) ?? pattern.exec(this.#said.stderr)
      if (match !== null) return match
      const { stdout, stderr } = this.#said
      const heard = `${this.#name} did not say ${pattern}; it said:\n${stdout.slice(-2_000)}${stderr.slice(-2_000)}`
      if (this.#ended) throw new Error(heard)
      await soon(new Promise<void>((resolve) => this.#waiting.add(resolve)), heard, PATIENCE_MS)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killGroup()
    await this.outcome.catch(() => {})
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

/** Runs one to its end. */
export async function runPeer(
  program: string,
  words: readonly string[],
  options: PeerOptions,
): Promise<PeerOutcome> {
  await using peer = new PeerProcess(program, words, options)
  return await peer.outcome
}
