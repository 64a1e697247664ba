import type { Ms } from '#core/clock.ts'
import { childEnd, startChild } from '../children.ts'
import { quotients, takeTurns } from '../harness.ts'
import { milliseconds, spread } from '../results.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'

const ROUNDS = 25

/** What every command costs before it does anything. */
export const startUp: Subject = {
  name: 'start-up',
  title: 'Start of the program',
  method: 'The built CLI and a bare `node -e 0` take turns; the compile cache is warm.',
  within: 60_000,
  async *measure({ cli, signal }: Bench): AsyncGenerator<Row, void> {
    const run = (...argv: string[]) => timeOf([cli.entry, ...argv], cli.environment)
    // The first run of each fills the compile cache.
    await run('tunnel', '--help')
    await run('--version')
    const { bare, version, help } = await takeTurns(
      {
        bare: () => timeOf(['-e', '0'], cli.environment),
        version: () => run('--version'),
        help: () => run('tunnel', '--help'),
      },
      { rounds: ROUNDS, within: 40_000, signal },
    )
    const row = (figure: string, times: readonly Ms[], most: number): Row => {
      const ratio = quotients(times, bare)
      return {
        figure,
        measured: `${spread(ratio, '×')}, ${milliseconds(times)}`,
        goal: atMost(most, ratio.median, ' ×'),
      }
    }
    yield { figure: '`node -e 0`', measured: milliseconds(bare) }
    yield row('`pgctl --version`', version, 2.5)
    yield row('`pgctl tunnel --help`', help, 3.5)
  },
}

/** From the start of a Node process to its end. @throws Error when it fails. */
async function timeOf(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Ms> {
  const before = performance.now()
  const status = await childEnd(startChild(process.execPath, argv, { env, stdio: 'ignore' }))
  const taken = performance.now() - before
  if (status !== 0) throw new Error(`node ${argv.join(' ')} ended with ${status}`)
  return taken
}
