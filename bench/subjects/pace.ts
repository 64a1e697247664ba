import { VENDOR_RATE } from '#sandbox/agent/sender.ts'
import { repeat } from '../harness.ts'
import { usedBetween } from '../process-figures.ts'
import { perSecond, round, spread, usage } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import { atLeast, type Bench, type Row, type Subject } from '../subject.ts'
import { download, upload } from '../transfers.ts'
import { TunnelProcess } from '../tunnel-process.ts'

const MB = 1_000_000
const DOWNLOAD_BYTES = 4 * MB
/** Read before anything is counted, so that the figures are of code that is compiled. */
const WARM_UP_BYTES = 1.5 * MB
const SESSIONS = 8
const BYTES_OF_EACH = 2.5 * MB
const UPLOAD_BYTES = 64 * MB
const UPLOAD_ROUNDS = 4
const STALLED_UPLOAD_BYTES = 1.5 * MB

/** MB/s that the paced agent gives, whatever takes it. */
const PACE = VENDOR_RATE.messageSize / VENDOR_RATE.interval / 1000

/** Bulk, with an agent that pauses after each message as the vendor's does. */
export const pace: Subject = {
  name: 'pace',
  title: "Bulk at the vendor's pace",
  method: [
    `The sandbox's agent sends ${VENDOR_RATE.messageSize} bytes, then pauses, as the vendor's does: ${round(PACE)} MB/s a session,`,
    'which no client can change. It takes uploads as fast as they come; in its stall mode, 125 kB/s and 512 KiB, and',
    'whoever sends more is not heard for 1.5 s.',
  ].join('\n'),
  within: 90_000,
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    const { cli, signal } = bench
    await using sandbox = await SandboxProcess.start(cli, [], signal)
    yield* await oneSession(bench, sandbox)
    yield await eightSessions(bench, sandbox)
    yield await healthyUpload(bench, sandbox)
    yield await stalledUpload(bench)
  },
}

async function oneSession({ cli, signal }: Bench, sandbox: SandboxProcess): Promise<Row[]> {
  await using tunnel = await TunnelProcess.open(cli, sandbox.environment, signal)
  await download({ port: tunnel.port, path: `/random/${WARM_UP_BYTES}`, signal })
  const before = await tunnel.figures()
  const { bytes, duration } = await download({ port: tunnel.port, path: `/random/${DOWNLOAD_BYTES}`, signal })
  const rate = perSecond(bytes, duration)
  return [
    {
      figure: 'download, one session',
      measured: `${round(rate)} MB/s, ${round(rate / PACE)} of the pace`,
      goal: atLeast(0.97, rate / PACE, ' of the pace'),
      vendor: '0.80–0.83 MB/s',
    },
    {
      figure: '… its client process',
      measured: usage(usedBetween(before, await tunnel.figures()), bytes),
      vendor: '0.1 s a MB, 23 MB',
    },
  ]
}

async function eightSessions({ cli, signal }: Bench, sandbox: SandboxProcess): Promise<Row> {
  await using tunnels = new AsyncDisposableStack()
  const ports: number[] = []
  for (let session = 0; session < SESSIONS; session++) {
    const tunnel = tunnels.use(await TunnelProcess.open(cli, sandbox.environment, signal))
    ports.push(tunnel.port)
  }
  const path = `/random/${BYTES_OF_EACH}`
  const downloads = await Promise.all(ports.map((port) => download({ port, path, signal })))
  const rates = downloads.map(({ bytes, duration }) => perSecond(bytes, duration))
  const total = rates.reduce((sum, rate) => sum + rate, 0)
  const least = Math.min(...rates)
  return {
    figure: `download, ${SESSIONS} sessions at once`,
    measured: `${round(total)} MB/s together, the slowest ${round(least / PACE)} of the pace`,
    goal: atLeast(0.97, least / PACE, ' of the pace'),
    vendor: '4.8 MB/s together',
  }
}

async function healthyUpload({ cli, signal }: Bench, sandbox: SandboxProcess): Promise<Row> {
  await using tunnel = await TunnelProcess.open(cli, sandbox.environment, signal)
  const rate = await repeat(
    async () => {
      const { duration, lost } = await upload({ port: tunnel.port, bytes: UPLOAD_BYTES, signal })
      if (lost > 0) throw new Error(`an upload lost ${lost} bytes`)
      return perSecond(UPLOAD_BYTES, duration)
    },
    { rounds: UPLOAD_ROUNDS, within: 20_000, signal },
  )
  return {
    figure: 'upload, acknowledged at once',
    measured: spread(rate, 'MB/s'),
    goal: atLeast(16, rate.median, ' MB/s'),
    vendor: '0.8 MB/s',
  }
}

async function stalledUpload({ cli, signal }: Bench): Promise<Row> {
  await using sandbox = await SandboxProcess.start(cli, ['--upload-stall'], signal)
  await using tunnel = await TunnelProcess.open(cli, sandbox.environment, signal)
  const { duration, lost } = await upload({ port: tunnel.port, bytes: STALLED_UPLOAD_BYTES, signal })
  return {
    figure: 'upload, an agent that stalls',
    measured: `${round(perSecond(STALLED_UPLOAD_BYTES, duration) * 1000)} kB/s, ${lost} bytes lost`,
    goal: { text: 'no death', met: lost === 0 },
  }
}
