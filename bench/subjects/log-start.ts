import { createInterface } from 'node:readline'
import type { Ms } from '#core/clock.ts'
import { endChild, startChild } from '../children.ts'
import { takeTurns } from '../harness.ts'
import { LogReaders, READERS, type Reader, readerName } from '../log-readers.ts'
import { LogStubProcess } from '../log-stub-process.ts'
import { milliseconds } from '../results.ts'
import type { Bench, Row, Subject } from '../subject.ts'

const ROUNDS = 5
const ROUND_TRIPS: readonly Ms[] = [0, 50, 150]
const FEW = 1
const MANY = 300
/** By default stern and kubectl ask for five logs a second: a minute for three hundred. */
const SLOW: readonly Reader[] = ['stern', 'kubectl']

/** How soon logs are there. */
export const logStart: Subject = {
  name: 'log-start',
  title: 'Reading logs: the first line, and the first of the last pod',
  method: [
    `A follow of ${FEW} and of ${MANY} pods with 20 lines each, from the start of the program. The stub answers every request later by the`,
    'round trip; connections themselves are made on the loopback. pgctl without the tunnel, as above. stern and kubectl with',
    `${MANY} pods are measured once, at 0 ms: their own limit of five requests a second is what is measured.`,
  ].join('\n'),
  where: 'stub',
  others: READERS.slice(1).map(readerName),
  within: 260_000,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    await using readers = await LogReaders.prepare()
    const available = readers.available()
    for (const trip of ROUND_TRIPS) {
      const times = await measureStart(readers, available, FEW, trip, ROUNDS, signal)
      const [own = '', ...others] = READERS.map((reader) => told(times[reader], 'first'))
      yield { figure: `${FEW} pod, ${trip} ms a round trip: first line`, measured: own, others }
    }
    const slow = await measureStart(
      readers,
      SLOW.filter((reader) => available.includes(reader)),
      MANY,
      0,
      1,
      signal,
    )
    for (const trip of ROUND_TRIPS) {
      const times = await measureStart(readers, ['pgctl'], MANY, trip, ROUNDS, signal)
      const last = times.pgctl?.map(({ last }) => last).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0
      const others = (which: 'first' | 'last') =>
        trip === 0 ? SLOW.map((reader) => told(slow[reader], which)) : []
      yield {
        figure: `${MANY} pods, ${trip} ms a round trip: first line`,
        measured: told(times.pgctl, 'first'),
        others: others('first'),
      }
      yield {
        figure: '… first line of the last pod',
        measured: told(times.pgctl, 'last'),
        goal: { text: `≤ ${1_000 + 2 * trip} ms`, met: last <= 1_000 + 2 * trip },
        others: others('last'),
      }
    }
    if (readers.missing !== undefined) throw new Error(readers.missing)
  },
}

interface Start {
  readonly first: Ms
  readonly last: Ms
}

function told(starts: readonly Start[] | undefined, which: keyof Start): string {
  return starts === undefined ? '' : milliseconds(starts.map((start) => start[which]))
}

async function measureStart(
  readers: LogReaders,
  wanted: readonly Reader[],
  pods: number,
  trip: Ms,
  rounds: number,
  signal: AbortSignal,
): Promise<Partial<Record<Reader, Start[]>>> {
  const made = ['--pods', String(pods), '--lines', String(20 * pods), '--history', '100']
  await using stub = await LogStubProcess.start([...made, '--latency', String(trip)], signal)
  const starts: Partial<Record<Reader, Start[]>> = {}
  const contender = (reader: Reader) => async () => {
    const command = readers.command(reader, stub.kubeconfig, { mode: 'raw', follow: true, pods })
    const start = await startOf(command, pods, signal)
    starts[reader] = [...(starts[reader] ?? []), start]
    return start.first
  }
  const contenders = Object.fromEntries(wanted.map((reader) => [reader, contender(reader)]))
  await takeTurns(contenders, { rounds, within: 40_000, signal })
  return starts
}

/** Until a line of every pod has come. */
async function startOf(
  [program = '', ...words]: readonly string[],
  pods: number,
  signal: AbortSignal,
): Promise<Start> {
  const before = performance.now()
  const child = startChild(program, words, { stdio: ['ignore', 'pipe', 'ignore'] })
  const { promise, resolve, reject } = Promise.withResolvers<Start>()
  const seen = new Set<string>()
  let first: Ms | undefined
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const pod = /"hostname":"([^"]+)"/.exec(line)?.[1]
    if (pod === undefined || seen.has(pod)) return
    seen.add(pod)
    const now = performance.now() - before
    first ??= now
    if (seen.size === pods) resolve({ first, last: now })
  })
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  child.once('close', () => reject(new Error(`${program} ended after ${seen.size} of ${pods} pods`)))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
    await endChild(child)
  }
}
