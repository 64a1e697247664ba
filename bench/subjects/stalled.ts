import type { Bytes } from '#core/clock.ts'
import { quotients, summarise, takeTurns } from '../harness.ts'
import { perSecond, spread } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import { atLeast, type Bench, type Row, type Subject } from '../subject.ts'
import { download, stalledDownload } from '../transfers.ts'
import { TunnelProcess } from '../tunnel-process.ts'

const MIB = 1024 * 1024
const ROUNDS = 8
const READERS = 7
const OF_A_READER: Bytes = 8 * MIB
const BEHIND_THE_STALLED: Bytes = 32 * MIB

/** Whether a client that stops reading slows the others down. */
export const stalled: Subject = {
  name: 'stalled',
  title: 'One of eight connections stalls',
  method: [
    `The eighth has ${BEHIND_THE_STALLED / MIB} MiB and begins first; it reads them all, or its first piece and then nothing. The seven others read`,
    `${OF_A_READER / MIB} MiB each, in the same session. The two take turns; the agent makes no pauses.`,
  ].join('\n'),
  within: 75_000,
  async *measure({ cli, signal }: Bench): AsyncGenerator<Row, void> {
    await using sandbox = await SandboxProcess.start(cli, ['--pace', 'none'], signal)
    await using tunnel = await TunnelProcess.open(cli, sandbox.environment, signal)
    const { port } = tunnel
    const eighth = { port, path: `/random/${BEHIND_THE_STALLED}`, signal }
    const rates = await takeTurns(
      {
        allReading: async () => {
          const begun = Promise.withResolvers<void>()
          const [rate] = await Promise.all([
            begun.promise.then(() => rateOfSeven(port, signal)),
            download({ ...eighth, onBytes: () => begun.resolve() }),
          ])
          return rate
        },
        oneStalled: async () => {
          const stalling = await stalledDownload(eighth)
          try {
            return await rateOfSeven(port, signal)
          } finally {
            stalling.close()
          }
        },
      },
      { rounds: ROUNDS, within: 45_000, signal },
    )
    const kept = quotients(rates.oneStalled, rates.allReading)
    yield* [
      { figure: 'the seven, all eight reading', measured: spread(summarise(rates.allReading), 'MB/s') },
      {
        figure: 'the seven, the eighth stalled',
        measured: `${spread(kept, 'of that')}, ${spread(summarise(rates.oneStalled), 'MB/s')}`,
        goal: atLeast(0.9, kept.median, ' of that'),
        vendor: 'all eight stall after 8 MB',
      },
    ]
  },
}

/** MB/s of the seven together. */
async function rateOfSeven(port: number, signal: AbortSignal): Promise<number> {
  const before = performance.now()
  const readers = Array.from({ length: READERS }, () =>
    download({ port, path: `/random/${OF_A_READER}`, signal }),
  )
  await Promise.all(readers)
  return perSecond(READERS * OF_A_READER, performance.now() - before)
}
