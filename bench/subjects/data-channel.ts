import type { Bytes } from '#core/clock.ts'
import { WORLD } from '#sandbox/world.ts'
import { endChild, startChild } from '../children.ts'
import { summarise, takeTurns } from '../harness.ts'
import { peerProgram, peerTitle } from '../peer-programs.ts'
import { type ProcessFigures, readProcessFigures, usedBetween } from '../process-figures.ts'
import { perSecond, spread, usage } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import type { Bench, Row, Subject } from '../subject.ts'
import { download, upload } from '../transfers.ts'
import { TunnelProcess } from '../tunnel-process.ts'

const ROUNDS = 7
const BYTES: Bytes = 64_000_000

/** A client with a port of its own to the same far end. */
interface Client extends AsyncDisposable {
  readonly port: number
  figures(): Promise<ProcessFigures | undefined>
}

const CASES = [
  { words: 'download, 1 KiB messages', messageBytes: 1_024, move: fetchBytes },
  { words: 'download, 32 KiB messages', messageBytes: 32_768, move: fetchBytes },
  { words: 'upload', messageBytes: 1_024, move: sendBytes },
] as const

/** The same bytes through our client and through another project's whole client, which is compiled. */
export const dataChannel: Subject = {
  name: 'data-channel',
  title: 'The data channel, against another client',
  method: [
    `${BYTES / 1e6} MB on one connection through each client in turns, by plain HTTP and WebSocket, as the other cannot be told an`,
    'authority; the agent makes no pauses. Processor time is of the client process, its start apart. The other is the Rust crate',
    '`aws-ssm-bridge`, built for release, in a program that forwards one port (`test/peers/ssm-bridge/`).',
  ].join('\n'),
  others: [peerTitle('ssm-bridge')],
  within: 150_000,
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    const other = peerProgram('ssm-bridge')
    if (other === undefined) throw new Error('ssm-bridge not found: npm run peers installs it')
    for (const one of CASES) yield* await measureCase(bench, other, one)
  },
}

async function measureCase(
  { cli, signal }: Bench,
  program: string,
  { words, messageBytes, move }: (typeof CASES)[number],
): Promise<Row[]> {
  const flags = ['--pace', 'none', '--message-size', String(messageBytes)]
  await using sandbox = await SandboxProcess.start(cli, flags, signal)
  const environment = await sandbox.plainEnvironment()
  await using own: Client = await TunnelProcess.open(cli, environment, signal)
  await using other = await openOther(program, environment, signal)
  const clients = { own, other }
  const before = { own: await own.figures(), other: await other.figures() }
  const contender = (name: keyof typeof clients) => async () => {
    try {
      return perSecond(BYTES, await move(clients[name].port, signal))
    } catch (cause) {
      throw new Error(`${words} through ${name === 'own' ? 'pgctl' : peerTitle('ssm-bridge')} failed`, {
        cause,
      })
    }
  }
  const rates = await takeTurns(
    { own: contender('own'), other: contender('other') },
    { rounds: ROUNDS, within: 40_000, signal },
  )
  const moved = BYTES * rates.own.length
  const used = async (name: keyof typeof clients) =>
    usage(usedBetween(before[name], await clients[name].figures()), moved)
  return [
    {
      figure: words,
      measured: spread(summarise(rates.own), 'MB/s'),
      others: [spread(summarise(rates.other), 'MB/s')],
    },
    { figure: '… its client process', measured: await used('own'), others: [await used('other')] },
  ]
}

async function fetchBytes(port: number, signal: AbortSignal): Promise<number> {
  return (await download({ port, path: `/random/${BYTES}`, signal })).duration
}

async function sendBytes(port: number, signal: AbortSignal): Promise<number> {
  const { duration, lost } = await upload({ port, bytes: BYTES, signal })
  if (lost > 0) throw new Error(`${lost} bytes of an upload were lost`)
  return duration
}

async function openOther(
  program: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Client> {
  const words = ['port', WORLD.bastion.instanceId, WORLD.payloadHost, String(WORLD.payloadPort)]
  const child = startChild(program, words, { env: environment, stdio: ['pipe', 'pipe', 'ignore'] })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let said = ''
  child.stdout?.on('data', (bytes: Buffer) => {
    said += bytes.toString()
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1]
    if (port !== undefined) resolve(Number(port))
  })
  child.once('error', reject)
  child.once('close', () => reject(new Error(`ssm-bridge ended before it listened: ${said}`)))
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  try {
    const port = await promise
    return {
      port,
      figures: () => readProcessFigures(child.pid as number),
      [Symbol.asyncDispose]: () => endChild(child),
    }
  } catch (error) {
    await endChild(child)
    throw error
  }
}
