import type { Bytes } from '#core/clock.ts'
import { LogReaders, READERS, type Reader, readerName } from '../log-readers.ts'
import { LogStubProcess } from '../log-stub-process.ts'
import { type MeasuredRun, measuredRun } from '../measured-run.ts'
import { round } from '../results.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'

const MB = 1_000_000
const PODS = 100
const SIZES = [200_000, 800_000] as const
const GIANT: Bytes = 64 * MB
/** What pgctl shows of one line. */
const LINE_CAP: Bytes = 1024 * 1024

/** How much memory a reading takes: of many logs, of long ones, and of one line without end. */
export const logMemory: Subject = {
  name: 'log-memory',
  title: 'Reading logs: memory',
  method: [
    `The most that the process held at once (VmHWM), reading ${PODS} pods to their end, raw, to a pipe; stern with \`--qps=-1\`. Four times the`,
    `lines should take no more. The giant line is of ${GIANT / MB} MB in the middle of a log; pgctl keeps its first ${LINE_CAP / 1024 / 1024} MiB and says how much`,
    'is left out, so what counts is what it takes more than the same log without the line.',
    '',
    'Where the goal is not met: with collections forced, the live heap at 100 pods was some 25 MB, and a reading of one pod takes',
    '130 MB already, most of it Node and the program. The rest is what V8 lets lie before it collects.',
  ].join('\n'),
  where: 'stub',
  others: READERS.slice(1).map(readerName),
  within: 150_000,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    await using readers = await LogReaders.prepare()
    const wanted = readers.available(['pgctl', 'stern'])
    const peaks: MeasuredRun[] = []
    for (const lines of SIZES) {
      const runs = await readAll(
        readers,
        wanted,
        ['--pods', String(PODS), '--lines', String(lines)],
        PODS,
        signal,
      )
      const own = runs.pgctl as MeasuredRun
      peaks.push(own)
      yield {
        figure: `${PODS} pods, ${lines.toLocaleString('en-US')} lines`,
        measured: megabytes(own),
        goal: atMost(150, own.peakMemory / MB, ' MB'),
        others: READERS.slice(1).map((reader) => megabytes(runs[reader])),
      }
    }
    const [few, many] = peaks.map(({ peakMemory }) => peakMemory)
    const growth = (many ?? Number.NaN) / (few ?? Number.NaN)
    yield {
      figure: '… of the longer to the shorter',
      measured: `${round(growth)} ×`,
      goal: atMost(1.1, growth, ' ×'),
    }

    const all = readers.available()
    const one = ['--pods', '1', '--lines', '1000']
    const plain = await readAll(readers, all, one, 1, signal)
    const giant = await readAll(readers, all, [...one, '--giant', String(GIANT)], 1, signal)
    const more = (reader: Reader): Bytes | undefined => {
      const [without, with_] = [plain[reader], giant[reader]]
      return without === undefined || with_ === undefined ? undefined : with_.peakMemory - without.peakMemory
    }
    const own = more('pgctl') ?? Number.NaN
    yield {
      figure: `one line of ${GIANT / MB} MB: more than without it`,
      measured: `${round(own / MB)} MB`,
      goal: { text: `≤ ${(2 * LINE_CAP) / 1024 / 1024} MiB`, met: own <= 2 * LINE_CAP },
      others: READERS.slice(1).map((reader) => `${round((more(reader) ?? Number.NaN) / MB)} MB`),
    }
    if (readers.missing !== undefined) throw new Error(readers.missing)
  },
}

async function readAll(
  readers: LogReaders,
  wanted: readonly Reader[],
  options: readonly string[],
  pods: number,
  signal: AbortSignal,
): Promise<Partial<Record<Reader, MeasuredRun>>> {
  await using stub = await LogStubProcess.start([...options, '--history', '100'], signal)
  const runs: Partial<Record<Reader, MeasuredRun>> = {}
  for (const reader of wanted) {
    const reading = { mode: 'raw', follow: false, pods, unthrottled: true } as const
    const command = readers.command(reader, stub.kubeconfig, reading)
    runs[reader] = await measuredRun(command, { sink: 'pipe', signal })
  }
  return runs
}

function megabytes(run: MeasuredRun | undefined): string {
  return run === undefined ? '' : `${round(run.peakMemory / MB)} MB`
}
