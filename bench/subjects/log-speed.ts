import { RARE } from '#sandbox/log-stub/made-log.ts'
import { summarise, takeTurns } from '../harness.ts'
import { LogReaders, READERS, type Reader, type Reading, readerName } from '../log-readers.ts'
import { LogStubProcess } from '../log-stub-process.ts'
import { type MeasuredRun, measuredRun, type RunOptions } from '../measured-run.ts'
import { round } from '../results.ts'
import type { Bench, Row, Subject } from '../subject.ts'

const LINES = 1_000_000
const ROUNDS = 3
const COMMA = 0x2c
const ZERO = 0x30

interface Case {
  readonly pods: number
  readonly mode: Reading['mode']
  readonly sink: RunOptions['sink']
  readonly readers: readonly Reader[]
  readonly unthrottled?: boolean
}

const CASES: readonly Case[] = [
  { pods: 1, mode: 'raw', sink: 'file', readers: READERS },
  { pods: 1, mode: 'tidy', sink: 'file', readers: READERS },
  { pods: 1, mode: 'grep', sink: 'file', readers: ['pgctl', 'stern'] },
  { pods: 10, mode: 'raw', sink: 'file', readers: READERS },
  { pods: 10, mode: 'tidy', sink: 'file', readers: READERS },
  { pods: 10, mode: 'raw', sink: 'pipe', readers: READERS },
  { pods: 10, mode: 'tidy', sink: 'pipe', readers: READERS },
  { pods: 10, mode: 'grep', sink: 'file', readers: ['pgctl', 'stern'] },
  { pods: 100, mode: 'raw', sink: 'file', readers: ['pgctl', 'stern'], unthrottled: true },
  { pods: 100, mode: 'tidy', sink: 'file', readers: ['pgctl', 'stern'], unthrottled: true },
  { pods: 300, mode: 'raw', sink: 'file', readers: ['pgctl', 'stern'], unthrottled: true },
  { pods: 300, mode: 'tidy', sink: 'file', readers: ['pgctl', 'stern'], unthrottled: true },
]

/** Lines a second and processor time a line, against other people's readers. */
export const logSpeed: Subject = {
  name: 'log-speed',
  title: 'Reading logs: lines a second, and processor time a line',
  method: [
    `${LINES.toLocaleString('en-US')} JSON lines of some 250 bytes of all pods together, made beforehand, are read to their end, by TLS and HTTP/1.1,`,
    'in turns; the time is from the start of the program to its end. pgctl is its client, follower and output without the',
    'tunnel (`bench/log-reader.ts`), as the others have none. raw: as written (`-o raw`; kubectl as it is). tidy: for people',
    '(pgctl parses the JSON; stern and `kubectl --prefix` put a name in front). grep: one line in a thousand. With 100 and',
    '300 pods stern runs with `--qps=-1`: by default it asks for 5 logs a second. All put the bytes to one place; only pgctl',
    'puts the lines into the order of time. Medians of as many rounds as there was time for, three at most.',
    '',
    'Where a goal is not met, it is for what a line costs us beside its bytes: it becomes a text and an object, is remembered for a',
    'resumption without loss, waits for its turn among those of other pods, and if it is shown tidy its JSON is parsed. stern and',
    'kubectl copy bytes, and use both cores. Some 0.3 s of processor time are the start of Node, in every run.',
  ].join('\n'),
  where: 'stub',
  others: READERS.slice(1).map(readerName),
  within: 540_000,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    await using readers = await LogReaders.prepare()
    let stub: { readonly pods: number; readonly process: LogStubProcess } | undefined
    try {
      for (const one of CASES) {
        if (stub?.pods !== one.pods) {
          await stub?.process[Symbol.asyncDispose]()
          const options = ['--pods', String(one.pods), '--lines', String(LINES), '--history', '100']
          stub = { pods: one.pods, process: await LogStubProcess.start(options, signal) }
          yield await ceiling(stub.process, one.pods, signal)
        }
        yield* await compare(readers, stub.process, one, signal)
      }
    } finally {
      await stub?.process[Symbol.asyncDispose]()
    }
    if (readers.missing !== undefined) throw new Error(readers.missing)
  },
}

/** What the stub can give at most, to a program that only reads. */
async function ceiling(stub: LogStubProcess, pods: number, signal: AbortSignal): Promise<Row> {
  const header = `Authorization: Bearer ${stub.token}`
  const url = `${stub.server}/api/v1/namespaces/logs/pods/api-[0-${pods - 1}]/log?timestamps=true`
  const run = () =>
    measuredRun(['curl', '--silent', '--insecure', '--header', header, url], { sink: 'pipe', signal })
  await run()
  const { seconds } = await run()
  return { figure: `${plural(pods)}: curl, one after another`, measured: perSecond(LINES / seconds) }
}

async function compare(
  readers: LogReaders,
  stub: LogStubProcess,
  { pods, mode, sink, readers: wanted, unthrottled = false }: Case,
  signal: AbortSignal,
): Promise<Row[]> {
  const runs: Record<string, MeasuredRun[]> = {}
  const outOfOrder: Partial<Record<Reader, number>> = {}
  const isOrderSeen = sink === 'file' && mode === 'raw' && pods > 1
  const contender = (reader: Reader) => async () => {
    const reading = { mode, follow: false, pods, unthrottled, pattern: RARE }
    const run = await measuredRun(readers.command(reader, stub.kubeconfig, reading), { sink, signal })
    if (sink === 'file') expectLines(reader, run, mode === 'grep' ? LINES / 1_000 : LINES)
    if (isOrderSeen) outOfOrder[reader] = outOfOrderIn(run.printed)
    runs[reader] = [...(runs[reader] ?? []), { ...run, printed: Buffer.alloc(0) }]
    return run.seconds
  }
  const available = readers.available(wanted)
  const contenders = Object.fromEntries(available.map((reader) => [reader, contender(reader)]))
  await takeTurns(contenders, { rounds: ROUNDS, within: 10_000, signal })
  const figure = `${plural(pods)}, ${mode}, to a ${sink}`
  const [own, ...others] = READERS.map((reader) => figuresOf(runs[reader]))
  const [stern] = others
  return [
    {
      figure: `${figure}: lines a second`,
      measured: own === undefined ? '' : perSecond(own.rate),
      goal: goalOf(own?.rate, stern?.rate, (share) => share >= 3, '≥ 3 × stern'),
      others: others.map((figures) => (figures === undefined ? '' : perSecond(figures.rate))),
    },
    {
      figure: '… processor time a line, most memory',
      measured: describe(own),
      goal: goalOf(own?.perLine, stern?.perLine, (share) => share <= 1 / 3, '≤ ⅓ of stern'),
      others: others.map(describe),
    },
    ...(isOrderSeen ? [orderRow(outOfOrder)] : []),
  ]
}

/** By the moments that the lines themselves tell, in seconds. */
function orderRow(shares: Readonly<Partial<Record<Reader, number>>>): Row {
  const [own = '', ...others] = READERS.map((reader) => percent(shares[reader]))
  return {
    figure: '… lines printed after a later one',
    measured: own,
    goal: { text: '0', met: shares.pgctl === 0 },
    others,
  }
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${round(share * 100)} %`
}

const MOMENT = '"time":'

/** The share of lines that a later one stands before. */
function outOfOrderIn(printed: Buffer): number {
  let latest = 0
  let late = 0
  let lines = 0
  for (let at = printed.indexOf(MOMENT); at !== -1; at = printed.indexOf(MOMENT, at)) {
    at += MOMENT.length
    let moment = 0
    for (; printed[at] !== COMMA; at++) moment = moment * 10 + (printed[at] as number) - ZERO
    lines += 1
    if (moment < latest) late += 1
    else latest = moment
  }
  return late / lines
}

interface Figures {
  readonly rate: number
  /** Microseconds. */
  readonly perLine: number
  readonly memory: number
}

function figuresOf(runs: readonly MeasuredRun[] | undefined): Figures | undefined {
  if (runs === undefined) return undefined
  return {
    rate: LINES / summarise(runs.map(({ seconds }) => seconds)).median,
    perLine: (summarise(runs.map(({ cpuSeconds }) => cpuSeconds)).median / LINES) * 1e6,
    memory: Math.max(...runs.map(({ peakMemory }) => peakMemory)),
  }
}

function goalOf(
  own: number | undefined,
  stern: number | undefined,
  isMet: (share: number) => boolean,
  words: string,
): Row['goal'] {
  if (own === undefined || stern === undefined) return undefined
  const share = own / stern
  return { text: `${words} (${share.toFixed(2)})`, met: isMet(share) }
}

function describe(figures: Figures | undefined): string {
  return figures === undefined ? '' : `${round(figures.perLine)} µs, ${round(figures.memory / 1e6)} MB`
}

function expectLines(reader: Reader, { printed }: MeasuredRun, wanted: number): void {
  let lines = 0
  for (let at = printed.indexOf(10); at !== -1; at = printed.indexOf(10, at + 1)) lines += 1
  if (lines !== wanted) throw new Error(`${reader} has printed ${lines} lines of ${wanted}`)
}

function perSecond(rate: number): string {
  return `${Math.round(rate / 1000).toLocaleString('en-US')} k/s`
}

function plural(pods: number): string {
  return pods === 1 ? '1 pod' : `${pods} pods`
}
