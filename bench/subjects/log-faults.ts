import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ms } from '#core/clock.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { credentialOf, kubeconfigOf } from '#sandbox/log-stub/kubeconfig.ts'
import { planOf } from '#sandbox/log-stub/plan.ts'
import { optionsOf, SCENARIOS, type Scenario } from '#sandbox/log-stub/scenarios.ts'
import { expectedLines, type Score, scoreOf } from '#sandbox/log-stub/score.ts'
import { startStub } from '#sandbox/log-stub/server.ts'
import { childEnd, endChild, startChild } from '../children.ts'
import { LogReaders, READERS, type Reader, readerName } from '../log-readers.ts'
import { round } from '../results.ts'
import type { Bench, Row, Subject } from '../subject.ts'

/** How long a reader is waited for that has not printed everything; a silent stream takes longer to notice. */
const PATIENCE: Ms = 15_000
const PATIENCE_WITH_SILENCE: Ms = 50_000
/** After the last line, for those that should not come. */
const QUIET: Ms = 2_500
/** Scenarios at once: what is counted is lines, not time. */
const AT_ONCE = 4

/** Who loses what when the cluster misbehaves. */
export const logFaults: Subject = {
  name: 'log-faults',
  title: 'Following logs of a cluster that misbehaves',
  method: [
    'Each reads the same made logs from the beginning, and follows (`npm run logs-stub -- --scenario NAME`); half of the lines',
    'are there at the start, the faults come later. Lost: written and never printed. Doubled: printed more often than written.',
    'Pieces: printed, and written by nobody. Late: printed after a later-stamped line, of all lines; pgctl marks them as late.',
    'pgctl is its client, follower and output without the tunnel (`bench/log-reader.ts`), as the others have none. A reader',
    `that has not printed all ${PATIENCE / 1000} s after its start (${PATIENCE_WITH_SILENCE / 1000} s where a stream falls silent) is stopped.`,
  ].join('\n'),
  where: 'stub',
  others: READERS.slice(1).map(readerName),
  within: 240_000,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    await using readers = await LogReaders.prepare()
    const authority = await createAuthority()
    const tls = await authority.issue({ names: ['localhost'] })
    const tried = (name: string, scenario: Scenario) =>
      Promise.all(
        READERS.map(async (reader) => {
          if (!readers.available().includes(reader)) return undefined
          const ca = authority.certificate
          return await suffer({ readers, reader, name, scenario, ca, tls, signal })
        }),
      )
    const waiting = Object.entries(SCENARIOS)
    for (let taken = waiting.splice(0, AT_ONCE); taken.length > 0; taken = waiting.splice(0, AT_ONCE)) {
      const outcomes = await Promise.all(taken.map(([name, scenario]) => tried(name, scenario)))
      for (const [index, [name, scenario]] of taken.entries())
        yield rowOf(`${scenario.words} (\`${name}\`)`, outcomes[index] ?? [])
    }
    if (readers.missing !== undefined) throw new Error(readers.missing)
  },
}

function rowOf(figure: string, outcomes: readonly (Outcome | undefined)[]): Row {
  const [own, ...others] = outcomes
  const { lost, doubled, fragments, disordered } = own?.score ?? {
    lost: 1,
    doubled: 0,
    fragments: 0,
    disordered: 0,
  }
  return {
    figure,
    measured: describe(own),
    goal: {
      text: '0 lost, 0 doubled, in order',
      met: lost + doubled + fragments + disordered === 0,
    },
    others: others.map(describe),
  }
}

interface Outcome {
  readonly score: Score
  /** How it ended by itself; undefined when it had to be stopped. */
  readonly status: number | string | undefined
  /** Printed within this, the last line. */
  readonly took: Ms
}

function describe(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'not installed'
  const { expected, lost, doubled, fragments, disordered, late } = outcome.score
  const faults = [
    lost > 0 ? `**${lost} lost**` : '',
    doubled > 0 ? `**${doubled} doubled**` : '',
    fragments > 0 ? `**${fragments} pieces**` : '',
    disordered > 0 ? `${disordered} out of their pod's order` : '',
    late > 0 ? `${round((100 * late) / expected)} % late` : '',
  ].filter((text) => text !== '')
  const ended = outcome.status === undefined ? '' : `; ended with ${outcome.status}`
  return `${faults.join(', ') || 'whole, in order'}${ended}`
}

interface Trial {
  readonly readers: LogReaders
  readonly reader: Reader
  readonly name: string
  readonly scenario: Scenario
  readonly ca: string
  readonly tls: { readonly certificate: string; readonly key: string }
  readonly signal: AbortSignal
}

async function suffer({ readers, reader, name, scenario, ca, tls, signal }: Trial): Promise<Outcome> {
  const start = Math.floor(Date.now() / 1000) - 3_600
  const options = optionsOf(scenario, { start })
  const plan = planOf(options)
  const expected = expectedLines(plan)
  const folder = await mkdtemp(join(tmpdir(), `pgctl-bench-${name}-`))
  try {
    const credential = join(folder, 'credential.json')
    // Before anybody can be refused for the old one.
    const keep = (token: string) => writeFileSync(credential, credentialOf(token), { mode: 0o600 })
    await using stub = await startStub({ plan, tls, onToken: keep })
    keep(stub.world.token)
    const expires = options.faults.some(({ kind }) => kind === 'token')
    const parts = { server: `https://127.0.0.1:${stub.port}`, ca, token: stub.world.token }
    const kubeconfig = join(folder, 'kubeconfig')
    const text = kubeconfigOf({ ...parts, credential: expires ? credential : undefined })
    await writeFile(kubeconfig, text, { mode: 0o600 })
    const reading = { mode: 'raw', follow: true, pods: options.pods } as const
    const [program = '', ...words] = readers.command(reader, kubeconfig, reading)
    const child = startChild(program, words, { stdio: ['ignore', 'pipe', 'ignore'] })
    const silent = options.faults.some(({ kind }) => kind === 'stall')
    const patience = silent ? PATIENCE_WITH_SILENCE : PATIENCE
    const { printed, status, took } = await untilAll(child, expected.length, patience, signal)
    return { score: scoreOf(expected, printed), status, took }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Reads until as many lines have come as there are, and a moment longer, or the patience is at its end. */
async function untilAll(
  child: ChildProcess,
  wanted: number,
  patience: Ms,
  signal: AbortSignal,
): Promise<{ printed: string[]; status: number | string | undefined; took: Ms }> {
  const before = performance.now()
  const printed: string[] = []
  let took: Ms = 0
  const enough = Promise.withResolvers<void>()
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    printed.push(line)
    took = performance.now() - before
    if (printed.length === wanted) enough.resolve()
  })
  const late = new AbortController()
  const ended = childEnd(child)
  try {
    const full = enough.promise.then(() => sleep(QUIET, undefined, { signal: late.signal }))
    const status = await Promise.race([
      ended,
      full.then(() => undefined),
      sleep(patience, undefined, { signal: late.signal }),
    ])
    signal.throwIfAborted()
    return { printed, status, took }
  } finally {
    late.abort()
    await endChild(child)
  }
}
