import type { Ms } from '#core/clock.ts'
import { takeTurns } from '../harness.ts'
import { milliseconds } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import type { Bench, Row, Subject } from '../subject.ts'
import { download } from '../transfers.ts'
import { TunnelProcess } from '../tunnel-process.ts'

const ROUNDS = 40
const BUSY_ROUNDS = 20
const SMALL = '/random/100'
/** Fills a paced session for longer than the small requests take. */
const LARGE = '/random/60000000'
/** The vendor's client was measured with 20 ms each way. */
const ONE_WAY: Ms = 20

/** How soon a page begins to load. */
export const firstByte: Subject = {
  name: 'first-byte',
  title: 'First byte of a small request',
  method: `Each request opens a connection of its own through the tunnel, at the vendor's pace. ${ONE_WAY} ms is one way: a round trip takes ${2 * ONE_WAY} ms.`,
  within: 60_000,
  async *measure({ cli, signal }: Bench): AsyncGenerator<Row, void> {
    await using near = await SandboxProcess.start(cli, [], signal)
    await using far = await SandboxProcess.start(cli, ['--latency', String(2 * ONE_WAY)], signal)
    await using nearTunnel = await TunnelProcess.open(cli, near.environment, signal)
    await using farTunnel = await TunnelProcess.open(cli, far.environment, signal)
    const quiet = await takeTurns(
      { near: () => smallRequest(nearTunnel.port, signal), far: () => smallRequest(farTunnel.port, signal) },
      { rounds: ROUNDS, within: 15_000, signal },
    )
    const busy = await whileFull(nearTunnel.port, signal)
    yield* [
      { figure: 'new connection, 0 ms', measured: milliseconds(quiet.near), vendor: '3.5 ms' },
      { figure: `new connection, ${ONE_WAY} ms`, measured: milliseconds(quiet.far), vendor: '44.5 ms' },
      {
        figure: 'while a download fills the session, 0 ms',
        measured: milliseconds(busy),
        vendor: '90–340 ms',
      },
    ]
  },
}

async function smallRequest(port: number, signal: AbortSignal): Promise<Ms> {
  return (await download({ port, path: SMALL, signal })).firstByte
}

async function whileFull(port: number, signal: AbortSignal): Promise<Ms[]> {
  const enough = new AbortController()
  const filled = Promise.withResolvers<void>()
  const filling = download({
    port,
    path: LARGE,
    onBytes: () => filled.resolve(),
    signal: AbortSignal.any([signal, enough.signal]),
  }).catch(filled.reject)
  try {
    await filled.promise
    const busy = () => smallRequest(port, signal)
    return (await takeTurns({ busy }, { rounds: BUSY_ROUNDS, within: 15_000, signal })).busy
  } finally {
    enough.abort()
    await filling
  }
}
