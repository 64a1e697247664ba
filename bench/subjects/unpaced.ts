import type { Bytes } from '#core/clock.ts'
import { repeat } from '../harness.ts'
import { usedBetween } from '../process-figures.ts'
import { perSecond, spread, usage } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import { atLeast, type Bench, type Row, type Subject } from '../subject.ts'
import { download } from '../transfers.ts'
import { TunnelProcess } from '../tunnel-process.ts'

const MB = 1_000_000
const ROUNDS = 5

const CASES = [
  { messageBytes: 1_024, goal: 30, bytes: 64 * MB, words: '1 KiB messages' },
  { messageBytes: 32_768, goal: 100, bytes: 192 * MB, words: '32 KiB messages' },
] as const

/** What the client itself can do, when the agent does not hold it up. */
export const unpaced: Subject = {
  name: 'unpaced',
  title: 'Bulk from an agent without pauses',
  method: [
    'The client is one process; gateway, agent and far end are another; the reader is a third. They share the cores, so',
    'the figure is what all of them reach together.',
  ].join('\n'),
  within: 75_000,
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    for (const one of CASES) yield* await measureCase(bench, one)
  },
}

async function measureCase(
  { cli, signal }: Bench,
  { messageBytes, goal, bytes, words }: (typeof CASES)[number],
): Promise<Row[]> {
  const flags = ['--pace', 'none', '--message-size', String(messageBytes)]
  await using sandbox = await SandboxProcess.start(cli, flags, signal)
  await using tunnel = await TunnelProcess.open(cli, sandbox.environment, signal)
  const before = await tunnel.figures()
  let moved: Bytes = 0
  const rate = await repeat(
    async () => {
      const { duration } = await download({ port: tunnel.port, path: `/random/${bytes}`, signal })
      moved += bytes
      return perSecond(bytes, duration)
    },
    { rounds: ROUNDS, within: 20_000, signal },
  )
  return [
    {
      figure: `download, ${words}`,
      measured: spread(rate, 'MB/s'),
      goal: atLeast(goal, rate.median, ' MB/s'),
      vendor: messageBytes === 1_024 ? '0.8 MB/s, at its agent’s pace' : undefined,
    },
    { figure: '… its client process', measured: usage(usedBetween(before, await tunnel.figures()), moved) },
  ]
}
