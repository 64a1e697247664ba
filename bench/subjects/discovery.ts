import { fileURLToPath } from 'node:url'
import { connectAws } from '#core/aws/clients.ts'
import { createDiscovery } from '#core/aws/discovery.ts'
import type { Ms } from '#core/clock.ts'
import { DISCOVERY_PARTS, discoveryQuery } from '#core/installation/discovery.ts'
import type { ProductProfile } from '#core/installation/profile.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { WORLDS } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { readProductProfile } from '../../cli/product-profile.ts'
import { summarise, takeTurns } from '../harness.ts'
import { round, spread } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import type { Bench, Row, Subject } from '../subject.ts'

const INSTALLATIONS = 40
const ROUNDS = 3
const LATENCY: Ms = 40

/** Looks at a whole fleet. */
export const discovery: Subject = {
  name: 'discovery',
  title: `Discovery of ${INSTALLATIONS} installations`,
  method: [
    'Everything of each is read: network, bastion, cluster, datastores, buckets, trail. They are the two of the sandbox in turn,',
    'one of them in another account behind a role; each look has a connection of its own, as a command has, and at most eight',
    'calls under way. All at once, and one after another; in one process, the sandbox in another.',
  ].join('\n'),
  within: 120_000,
  async *measure({ cli, signal }: Bench): AsyncGenerator<Row, void> {
    const profile = await readProductProfile(fileURLToPath(new URL('../..', import.meta.url)), 'paragon')
    for (const latency of [0, LATENCY]) {
      await using sandbox = await SandboxProcess.start(cli, ['--latency', String(latency)], signal)
      const environment = await sandbox.plainEnvironment()
      using _adopted = adopt(environment)
      const fleet = Array.from({ length: INSTALLATIONS }, (_, at) => WORLDS[at % WORLDS.length] as World)
      const look = (world: World) => lookAt(world, profile, environment, signal)
      const together = () => timeOf(() => Promise.all(fleet.map(look)))
      const apart = () =>
        timeOf(async () => {
          for (const world of fleet) await look(world)
        })
      const before = (await sandbox.admin.calls()).at(-1)?.number ?? 0
      await together()
      const calls = await sandbox.admin.calls(before)
      const throttled = calls.filter(({ outcome }) =>
        /Throttl|TooManyRequests|RequestLimit/.test(outcome),
      ).length
      const times = await takeTurns({ together, apart }, { rounds: ROUNDS, within: 40_000, signal })
      const figure = `a round trip of ${latency} ms more than on loopback`
      yield {
        figure: `${figure}: all at once`,
        measured: `${spread(summarise(times.together), 'ms')}; ${calls.length} calls, ${round(calls.length / INSTALLATIONS)} an installation, ${throttled} throttled`,
      }
      yield { figure: `${figure}: one after another`, measured: spread(summarise(times.apart), 'ms') }
    }
  },
}

/** The SDK takes its endpoint from the process's own environment, which is put back at the end. */
function adopt(environment: NodeJS.ProcessEnv): Disposable {
  const own = { ...process.env }
  const put = (other: NodeJS.ProcessEnv) => {
    for (const name of new Set([...Object.keys(process.env), ...Object.keys(other)]))
      if (other[name] === undefined) delete process.env[name]
      else process.env[name] = other[name]
  }
  put({ ...own, ...environment })
  return { [Symbol.dispose]: () => put(own) }
}

/** Reads all of one installation. @throws Error when a part of it could not be read. */
async function lookAt(
  { workspace, region, role }: World,
  profile: ProductProfile,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<void> {
  const agents = createOutboundAgents(environment)
  const connection = connectAws({
    ...{ region, role, environment, agents, clock: systemClock, version: 'bench' },
  })
  const query = discoveryQuery(profile, { workspace, bastion: undefined }, DISCOVERY_PARTS, 'full')
  const { unreadable, datastores } = await createDiscovery(connection).inventory(query, signal)
  if (unreadable.length > 0 || datastores.length === 0) throw new Error(`${workspace} was not read whole`)
}

async function timeOf(work: () => Promise<unknown>): Promise<Ms> {
  const started = performance.now()
  await work()
  return performance.now() - started
}
