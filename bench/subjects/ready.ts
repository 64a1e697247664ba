import { join } from 'node:path'
import type { Ms } from '#core/clock.ts'
import type { RecordedCall } from '#sandbox/aws/calls.ts'
import { summarise } from '../harness.ts'
import { milliseconds, round } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import type { Bench, Row, Subject } from '../subject.ts'
import { PAYLOAD, TunnelProcess } from '../tunnel-process.ts'

const ROUNDS = 7
const ROUNDS_WITHIN: Ms = 75_000
/** What a round trip to AWS takes more than on loopback. */
const FAR: Ms = 40

const ROUTES = [
  { route: 'direct', target: PAYLOAD, words: '`tunnel HOST:PORT`' },
  { route: 'cluster', target: 'grafana', words: '`tunnel grafana`' },
] as const
const RUNS = ['first', 'second'] as const

type Way = (typeof ROUTES)[number]
type Run = (typeof RUNS)[number]

/** What one run of the command showed. */
interface Opening {
  /** From Enter to the arrival of StartSession at the endpoint. */
  readonly asked: Ms
  readonly ready: Ms
  readonly calls: readonly RecordedCall[]
}

/** How long a person waits for a tunnel. */
export const ready: Subject = {
  name: 'ready',
  title: 'From Enter to a tunnel',
  method: [
    `Runs at 0 and at ${FAR} ms more a round trip take turns; round trips are the difference of their medians, divided`,
    'by that. The first run starts with no state, the second finds the caller’s identity remembered. An address whose',
    'protocol is unknown is ready when the far end has not hung up within a second, and that second is in the figure.',
    'The sandbox delays requests and messages, not the handshakes of TCP and TLS, which AWS adds for each new host.',
  ].join('\n'),
  within: 120_000,
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    const { cli, signal } = bench
    await using near = await SandboxProcess.start(cli, [], signal)
    await using far = await SandboxProcess.start(cli, ['--latency', String(FAR)], signal)
    const openings = new Map<string, Opening[]>()
    const until = performance.now() + ROUNDS_WITHIN
    for (let round = 0; round < ROUNDS && (round === 0 || performance.now() < until); round++)
      for (const way of ROUTES)
        for (const [distance, sandbox] of [
          ['near', near],
          ['far', far],
        ] as const) {
          const state = join(cli.environment['XDG_STATE_HOME'] as string, `${way.route}-${distance}-${round}`)
          for (const run of RUNS) {
            const opening = await open(bench, sandbox, way, state)
            const key = keyOf(way, run, distance)
            openings.set(key, [...(openings.get(key) ?? []), opening])
          }
        }
    yield* ROUTES.flatMap((way) =>
      RUNS.flatMap((run) => rowsOf(way, run, (distance) => openings.get(keyOf(way, run, distance)) ?? [])),
    )
  },
}

function keyOf({ route }: Way, run: Run, distance: 'near' | 'far'): string {
  return `${route} ${run} ${distance}`
}

async function open(
  { cli, signal }: Bench,
  sandbox: SandboxProcess,
  way: Way,
  state: string,
): Promise<Opening> {
  const last = (await sandbox.admin.calls()).at(-1)?.number ?? 0
  const environment = { ...sandbox.environment, XDG_STATE_HOME: state }
  const entered = Date.now()
  await using tunnel = await TunnelProcess.open(cli, environment, signal, way.target)
  // What the agent asks for is not the client's waiting.
  const calls = (await sandbox.admin.calls(last)).filter(({ service }) => service !== 'ssmmessages')
  const start = calls.find(({ action }) => action === 'StartSession')
  if (start === undefined) throw new Error(`${way.target} was ready without StartSession`)
  return { asked: start.at - entered, ready: tunnel.readyAfter, calls }
}

function rowsOf(way: Way, run: Run, at: (distance: 'near' | 'far') => readonly Opening[]): Row[] {
  const order = (at('far')[0]?.calls ?? []).map(({ service, action }) => `${service}:${action}`)
  const before = order.slice(0, order.indexOf('ssm:StartSession'))
  const row = (figure: string, value: (opening: Opening) => Ms): Row => {
    const near = at('near').map(value)
    const far = at('far').map(value)
    const trips = (summarise(far).median - summarise(near).median) / FAR
    return {
      figure: `${way.words}, ${run} run: Enter → ${figure}`,
      measured: `${milliseconds(near)} at 0 ms, ${milliseconds(far)} at ${FAR} ms: ${round(trips)} round trips`,
    }
  }
  return [
    row(`StartSession arrives (after ${before.join(', ') || 'nothing else'})`, ({ asked }) => asked),
    row('ready', (opening) => opening.ready),
  ]
}
