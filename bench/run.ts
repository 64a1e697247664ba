/**
 * Measures everything in one run and writes `bench/RESULTS.md`; with names of subjects, measures only those and
 * prints their tables, or with --write puts them into the page. The CLI must be built.
 *
 *     npm run bench [-- [--write] SUBJECT…]
 */
import { readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, release, type as systemType } from 'node:os'
import { BuiltCli } from './built-cli.ts'
import {
  keepTables,
  type Machine,
  type Outcome,
  renderResults,
  renderTable,
  replaceTables,
} from './results.ts'
import type { Bench, Row, Subject } from './subject.ts'
import { background } from './subjects/background.ts'
import { copies } from './subjects/copies.ts'
import { dataChannel } from './subjects/data-channel.ts'
import { discovery } from './subjects/discovery.ts'
import { faults } from './subjects/faults.ts'
import { firstByte } from './subjects/first-byte.ts'
import { functions } from './subjects/functions.ts'
import { image } from './subjects/image.ts'
import { imageTree } from './subjects/image-tree.ts'
import { logFaults } from './subjects/log-faults.ts'
import { logMemory } from './subjects/log-memory.ts'
import { logSpeed } from './subjects/log-speed.ts'
import { logStart } from './subjects/log-start.ts'
import { pace } from './subjects/pace.ts'
import { ready } from './subjects/ready.ts'
import { snapshotPlan } from './subjects/snapshot-plan.ts'
import { stalled } from './subjects/stalled.ts'
import { startUp } from './subjects/start-up.ts'
import { unpaced } from './subjects/unpaced.ts'

const SUBJECTS: readonly Subject[] = [
  startUp,
  ready,
  pace,
  unpaced,
  firstByte,
  stalled,
  faults,
  copies,
  dataChannel,
  discovery,
  logFaults,
  logSpeed,
  logStart,
  logMemory,
  functions,
  snapshotPlan,
  background,
  image,
  imageTree,
]
/** The whole run: what is not measured by then is given up. */
const LIMIT = 20 * 60_000
const ALL = SUBJECTS.filter(({ onlyByName }) => !onlyByName)

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    // The second one does not wait for anything to end in order.
    if (interrupted.signal.aborted) process.exit(130)
    interrupted.abort(new Error('interrupted'))
  })

const page = new URL('RESULTS.md', import.meta.url)
const isWritten = process.argv.includes('--write')
const wanted = process.argv.slice(2).filter((word) => word !== '--write')
const unknown = wanted.find((name) => !SUBJECTS.some((subject) => subject.name === name))
if (unknown === undefined) await main()
else {
  process.stderr.write(
    `there is no subject ${unknown}; there are ${SUBJECTS.map(({ name }) => name).join(', ')}\n`,
  )
  process.exitCode = 2
}

async function main(): Promise<void> {
  const machine = thisMachine()
  const started = performance.now()
  const chosen = SUBJECTS.filter(({ name }) => wanted.includes(name))
  const limit = Math.max(LIMIT, ...chosen.map(({ within }) => within))
  const signal = AbortSignal.any([interrupted.signal, timeLimit(limit)])
  const outcomes = await measureAll(wanted.length === 0 ? ALL : chosen, signal)
  if (outcomes.some(({ failure }) => failure !== undefined)) process.exitCode = 1
  if (interrupted.signal.aborted) process.exitCode = 130
  else if (wanted.length === 0)
    await writeFile(
      page,
      keepTables(
        renderResults(outcomes, machine, new Date(), performance.now() - started),
        await readFile(page, 'utf8'),
        SUBJECTS.filter(({ onlyByName }) => onlyByName),
      ),
    )
  else if (isWritten)
    await writeFile(page, replaceTables(await readFile(page, 'utf8'), outcomes, machine, new Date()))
  else process.stdout.write(outcomes.flatMap((outcome) => renderTable(outcome)).join('\n'))
}

async function measureAll(subjects: readonly Subject[], signal: AbortSignal): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  await using cli = await BuiltCli.copy()
  for (const subject of subjects) {
    if (interrupted.signal.aborted) break
    outcomes.push(
      await measure(subject, { cli, signal: AbortSignal.any([signal, timeLimit(subject.within)]) }),
    )
  }
  return outcomes
}

async function measure(subject: Subject, bench: Bench): Promise<Outcome> {
  const before = performance.now()
  const rows: Row[] = []
  let failure: string | undefined
  process.stderr.write(`${subject.title}\n`)
  try {
    bench.signal.throwIfAborted()
    for await (const row of subject.measure(bench)) {
      rows.push(row)
      process.stderr.write(`  ${row.figure}: ${row.measured}\n`)
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
    process.stderr.write(`  ${failure}\n`)
  }
  return { subject, rows, failure, took: performance.now() - before }
}

function timeLimit(limit: number): AbortSignal {
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error(`not done within ${limit / 1000} s`)), limit).unref()
  return controller.signal
}

function thisMachine(): Machine {
  const all = cpus()
  return {
    cores: all.length,
    model: all[0]?.model ?? 'unknown',
    system: `${systemType()} ${release()}`,
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  }
}
