import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Bytes, Ms } from '#core/clock.ts'
import { quotients, summarise } from '../harness.ts'
import type { TickCalls } from '../idle-tick.ts'
import { milliseconds, round, spread } from '../results.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'

const ROUNDS = 5

interface Planned {
  readonly planMs: Ms
  readonly forecastMs: Ms
  readonly peakBytes: Bytes
}

/** One installation, and a fleet of forty, planned one after the other. */
const SIZES = {
  one: [1, 8, 100, 0],
  twenty: [20, 8, 100, 0],
  forty: [40, 8, 100, 0],
  dense: [1, 8, 400, 0],
  crowded: [1, 8, 100, 10_000],
} as const

/** What deciding over snapshots costs, and how a scheduled run without work is felt by the provider. */
export const snapshotPlan: Subject = {
  name: 'snapshot-plan',
  title: 'Planning snapshots',
  method:
    'Each run in a Node process of its own, in turns: plan, then forecast 90 days, of installations with 8 datastores and 100 snapshots each, two a day, most of which go. The memory is the most that the whole process held. Calls are those that the sandbox has counted.',
  within: 300_000,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    const names = Object.keys(SIZES) as (keyof typeof SIZES)[]
    const runs = Object.fromEntries(names.map((name) => [name, [] as Planned[]])) as Record<
      keyof typeof SIZES,
      Planned[]
    >
    for (let turn = 0; turn < ROUNDS; turn++)
      for (const name of names)
        runs[name].push(await inProcess<Planned>('snapshot-plan-process.ts', SIZES[name], signal))
    const times = (name: keyof typeof SIZES) => runs[name].map(({ planMs }) => planMs)
    const row = (figure: string, name: keyof typeof SIZES): Row => ({
      figure,
      measured: `plan ${milliseconds(times(name))}, forecast ${milliseconds(runs[name].map(({ forecastMs }) => forecastMs))}, ${round(summarise(runs[name].map(({ peakBytes }) => peakBytes / 1e6)).median)} MB`,
    })
    yield row('one installation, 8 × 100 snapshots', 'one')
    yield row('the same beside 10,000 snapshots of others', 'crowded')
    yield row('one installation, 8 × 400 snapshots', 'dense')
    yield row('40 installations, 40 × 8 × 100 snapshots', 'forty')
    const growth = quotients(times('forty'), times('twenty'))
    yield {
      figure: 'plan of 40 installations by that of 20: growth is linear',
      measured: spread(growth, '×'),
      goal: atMost(2.5, growth.median, ' ×'),
    }
    const [alone, among] = [
      await inProcess<TickCalls>('idle-tick.ts', [0], signal),
      await inProcess<TickCalls>('idle-tick.ts', [950], signal),
    ]
    yield {
      figure: 'calls of a scheduled run when nothing is due',
      measured: `${alone.all}, of which ${alone.listings.length} list: each of them once`,
      goal: atMost(0, alone.listings.length - new Set(alone.listings).size, ' listings twice'),
    }
    yield {
      figure: 'the same with 950 snapshots of others: 9 pages more',
      measured: `${among.all}`,
      goal: atMost(alone.all + 9, among.all),
    }
  },
}

async function inProcess<T>(script: string, words: readonly number[], signal: AbortSignal): Promise<T> {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...words.map(String)], { signal })
  return JSON.parse(stdout) as T
}
