import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Ms } from '#core/clock.ts'
import { WORLD, WORLD_PODS, WORLD_SERVICES } from '#sandbox/world.ts'
import type { BuiltCli } from '../built-cli.ts'
import { childEnd, startChild } from '../children.ts'
import { summarise, takeTurns } from '../harness.ts'
import { peerProgram } from '../peer-programs.ts'
import { readProcessFigures } from '../process-figures.ts'
import { milliseconds, round, spread } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'

const ROUNDS = 25
const OPENINGS = 5
/** What a round trip to AWS takes more than on loopback. */
const FAR: Ms = 40
const MOST_OVERHEAD: Ms = 60
/** It reads its login anew, and stays to hold its files. */
const MOST_OVERHEAD_PSQL: Ms = 150
const MOST_READY: Ms = 3_000
const MOST_MEMORY_MB = 150

/** Twenty targets of one installation, by both routes: names, pods by their addresses, and addresses by an instance. */
const NAMED = ['grafana', 'cerberus', 'hermes', 'payload:8080', 'cluster', 'postgres', 'redis']
const PODS = WORLD_PODS.map(({ address, service }) => `${address}:${WORLD_SERVICES[service].port}`)
const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`
const TWENTY = [
  ...[...NAMED, PAYLOAD, `${WORLD.cluster.host}:443`, ...PODS],
  ...[WORLD.bastion.instanceId, PAYLOAD, ...PODS.slice(0, 4)],
]
const COUNT = TWENTY.length - 1

/** What background tunnels cost, and what they spare. */
export const background: Subject = {
  name: 'background',
  title: 'Tunnels in the background, and kubectl and psql through them',
  method: [
    `\`kubectl get pods\` by itself, with a token in its kubeconfig and the same tunnel, and \`pgctl kubectl -- get pods\``,
    'take turns, and the overhead is the difference of the two of a round. Each process from its start to its end.',
    'psql the same, with the password and the authorities of its recipe; with sessions of its own is `--background off`.',
    `${COUNT} tunnels are opened by one command with --detach, by both routes, those to addresses of which nothing is known`,
    'after the second in which their far end has not hung up. The memory is the most that the supervisor has held.',
  ].join('\n'),
  within: 180_000,
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    yield* measureKubectl(bench)
    yield* measurePsql(bench)
    yield* measureTwenty(bench)
  },
}

async function* measureKubectl({ cli, signal }: Bench): AsyncGenerator<Row, void> {
  const kubectl = peerProgram('kubectl') ?? onPath('kubectl')
  if (kubectl === undefined) throw new Error('kubectl is not there: npm run peers kubectl')
  await using sandbox = await SandboxProcess.start(cli, [], signal)
  const environment = { ...sandbox.environment, PATH: `${join(kubectl, '..')}${delimiter}/usr/bin:/bin` }
  await using _stopped = stopping(cli, environment)
  const first = await timeOf(process.execPath, [cli.entry, 'kubectl', '--', 'get', 'pods'], environment)
  const withToken = { ...environment, KUBECONFIG: await writePlainConfig(cli) }
  const { plain, pgctl, bare } = await takeTurns(
    {
      plain: () => timeOf(kubectl, ['get', 'pods'], withToken),
      pgctl: () => timeOf(process.execPath, [cli.entry, 'kubectl', '--', 'get', 'pods'], environment),
      bare: () => timeOf(process.execPath, ['-e', '0'], environment),
    },
    { rounds: ROUNDS, within: 60_000, signal },
  )
  const overhead = summarise(pgctl.map((time, at) => time - (plain[at] ?? Number.NaN)))
  yield { figure: '`node -e 0`', measured: milliseconds(bare) }
  yield { figure: '`kubectl get pods` through the tunnel', measured: milliseconds(plain) }
  yield { figure: '`pgctl kubectl -- get pods`, the first', measured: `${round(first)} ms` }
  yield { figure: '… every other', measured: milliseconds(pgctl) }
  yield {
    figure: '… more than `kubectl` itself',
    measured: spread(overhead, 'ms'),
    goal: atMost(MOST_OVERHEAD, overhead.median, ' ms'),
  }
  // A busy computer makes both longer alike.
  const starts = summarise(
    pgctl.map((time, at) => (time - (plain[at] ?? Number.NaN)) / (bare[at] ?? Number.NaN)),
  )
  yield { figure: '… in starts of a bare Node', measured: spread(starts, '×') }
}

async function* measurePsql({ cli, signal }: Bench): AsyncGenerator<Row, void> {
  const psql = onPath('psql')
  if (psql === undefined) throw new Error('psql is not there: install the client of PostgreSQL')
  await using sandbox = await SandboxProcess.start(cli, [], signal)
  const { environment } = sandbox
  await using _stopped = stopping(cli, environment)
  const words = ['-XAtc', 'select 1']
  const ours = [cli.entry, 'psql', '--', ...words]
  // The sandbox makes its database when it is first asked for: that is no part of anything here.
  await timeOf(process.execPath, ours, environment)
  await cli.run(['tunnel', 'stop', '--all'], environment)
  const first = await timeOf(process.execPath, ours, environment)
  const recipe = JSON.parse(
    await cli.run(['psql', '--recipe', '--show-password', '--json'], environment),
  ) as Record<'host' | 'user' | 'database' | 'password' | 'authorities', string>
  const listed = JSON.parse(await cli.run(['tunnel', 'list', '--json'], environment))
  const { port } = listed.tunnels.find(({ target }: { target: string }) => target === 'postgres')
  const libpq = {
    ...{ PATH: process.env['PATH'], PGHOST: recipe.host, PGHOSTADDR: '127.0.0.1', PGPORT: String(port) },
    ...{ PGUSER: recipe.user, PGDATABASE: recipe.database, PGPASSWORD: recipe.password },
    ...{ PGSSLMODE: 'verify-full', PGSSLROOTCERT: recipe.authorities, PGGSSENCMODE: 'disable' },
  }
  const { plain, pgctl, alone } = await takeTurns(
    {
      plain: () => timeOf(psql, words, libpq),
      pgctl: () => timeOf(process.execPath, ours, environment),
      alone: () => timeOf(process.execPath, ours, { ...environment, PGCTL_BACKGROUND: 'off' }),
    },
    { rounds: ROUNDS, within: 60_000, signal },
  )
  const over = (times: readonly Ms[]) => summarise(times.map((time, at) => time - (plain[at] ?? Number.NaN)))
  yield { figure: "`psql -c 'select 1'` through the tunnel", measured: milliseconds(plain) }
  yield { figure: '`pgctl psql`, the first', measured: `${round(first)} ms` }
  yield { figure: '… every other, by the tunnel that is there', measured: milliseconds(pgctl) }
  yield {
    figure: '… more than `psql` itself',
    measured: spread(over(pgctl), 'ms'),
    goal: atMost(MOST_OVERHEAD_PSQL, over(pgctl).median, ' ms'),
  }
  yield { figure: '… the same with sessions of its own', measured: spread(over(alone), 'ms') }
}

async function* measureTwenty({ cli, signal }: Bench): AsyncGenerator<Row, void> {
  const readyAfter: Ms[] = []
  const memory: number[] = []
  await using sandbox = await SandboxProcess.start(cli, ['--latency', String(FAR)], signal)
  for (let at = 0; at < OPENINGS && !signal.aborted; at++) {
    await using _stopped = stopping(cli, sandbox.environment)
    const before = performance.now()
    await cli.run(['tunnel', ...TWENTY, '--detach', '--port', '0', '--json'], sandbox.environment)
    readyAfter.push(performance.now() - before)
    const listed = JSON.parse(await cli.run(['tunnel', 'list', '--json'], sandbox.environment))
    if (listed.tunnels.filter(({ state }: { state: string }) => state === 'ready').length !== COUNT)
      throw new Error('not all of them are ready')
    const figures = await readProcessFigures(listed.supervisor.pid)
    if (figures !== undefined) memory.push(figures.peakMemory / 1e6)
  }
  const most = summarise(memory)
  yield {
    figure: `${COUNT} tunnels, ${FAR} ms a round trip: Enter → all are ready`,
    measured: milliseconds(readyAfter),
    goal: atMost(MOST_READY, summarise(readyAfter).median, ' ms'),
  }
  yield {
    figure: '… the memory of their supervisor',
    measured: spread(most, 'MB'),
    goal: atMost(MOST_MEMORY_MB, most.median, ' MB'),
  }
}

function stopping(cli: BuiltCli, environment: NodeJS.ProcessEnv): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await cli.run(['tunnel', 'stop', '--all'], environment)
    },
  }
}

/** The kubeconfig that pgctl has written, with its token in the place of the plugin that prints it. */
async function writePlainConfig(cli: BuiltCli): Promise<string> {
  const folder = join(cli.stateFolder, 'kube')
  const written = readdirSync(folder)
  const read = (ending: string) =>
    readFileSync(join(folder, written.find((name) => name.endsWith(ending)) as string), 'utf8')
  const config = JSON.parse(read('.yaml'))
  const [, credential = ''] = read('.token').split('\n')
  config.users[0].user = { token: JSON.parse(credential).status.token }
  await mkdir(cli.stateFolder, { recursive: true })
  const path = join(cli.stateFolder, 'plain.yaml')
  await writeFile(path, JSON.stringify(config), { mode: 0o600 })
  return path
}

function onPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter))
    try {
      if (readdirSync(folder).includes(name)) return join(folder, name)
    } catch {
      // PATH may name folders that are not there.
    }
  return undefined
}

/** From the start of a process to its end. @throws Error when it fails. */
async function timeOf(program: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ms> {
  const before = performance.now()
  const status = await childEnd(startChild(program, words, { env, stdio: 'ignore' }))
  const taken = performance.now() - before
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} ended with ${status}`)
  return taken
}
