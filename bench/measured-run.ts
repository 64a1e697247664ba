/** Other programs run to their end, with what they took. */
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytes, Ms } from '#core/clock.ts'
import { childEnd, endChild, startChild } from './children.ts'
import { type ProcessFigures, readProcessFigures } from './process-figures.ts'

/** A program's use is read so often; what it takes after the last reading is not counted. */
const LOOK_EVERY: Ms = 10

export interface MeasuredRun {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMemory: Bytes
  /** What it printed; empty for a pipe, whose reader throws it away. */
  readonly printed: Buffer
}

export interface RunOptions {
  /** A file that is read afterwards, or a pipe to a program that reads and forgets. */
  readonly sink: 'file' | 'pipe'
  readonly signal: AbortSignal
}

/** Runs a command line to its end. @throws Error when it fails, or this system does not tell what processes use. */
export async function measuredRun(
  command: readonly string[],
  { sink, signal }: RunOptions,
): Promise<MeasuredRun> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-bench-run-'))
  const file = join(folder, 'output')
  const fd = openSync(file, 'w')
  try {
    const before = performance.now()
    const [program = '', ...words] = command
    // A shell makes the pipe: one of Node's own would be a socket, and Node would carry the bytes.
    const child =
      sink === 'file'
        ? startChild(program, words, { stdio: ['ignore', fd, 'ignore'] })
        : startChild('sh', ['-c', PIPED, 'sh', ...command], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    const pid = async () => (sink === 'file' ? child.pid : Number(await readFile(file, 'utf8')) || undefined)
    const watched = new AbortController()
    const used = lastFigures(pid, watched.signal)
    const onAbort = () => void endChild(child)
    signal.addEventListener('abort', onAbort, { once: true })
    const status = await childEnd(child)
    const seconds = (performance.now() - before) / 1000
    signal.removeEventListener('abort', onAbort)
    watched.abort()
    signal.throwIfAborted()
    if (status !== 0) throw new Error(`${program} ended with ${status}`)
    const figures = await used
    if (figures === undefined) throw new Error('this system does not tell what a process uses')
    const printed = sink === 'file' ? await readFile(file) : Buffer.alloc(0)
    return { seconds, ...figures, printed }
  } finally {
    closeSync(fd)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Tells its program's id on descriptor 3. */
const PIPED = `sh -c 'echo $$ >&3; exec "$@" 3>&-' sh "$@" | cat >/dev/null`

/** The last that could be read of a process before it ended. */
async function lastFigures(
  pid: () => Promise<number | undefined>,
  ended: AbortSignal,
): Promise<ProcessFigures | undefined> {
  let last: ProcessFigures | undefined
  while (!ended.aborted) {
    const id = await pid()
    const figures = id === undefined ? undefined : await readProcessFigures(id)
    // A process that is ending has no memory any more.
    if (figures !== undefined && figures.peakMemory > 0) last = figures
    await sleep(LOOK_EVERY, undefined, { signal: ended }).catch(() => {})
  }
  return last
}
