import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import type { Bytes, Ms } from '#core/clock.ts'
import { childEnd, startChild } from '../children.ts'
import { quotients, summarise, takeTurns } from '../harness.ts'
import { perSecond, round, spread } from '../results.ts'
import { SandboxProcess } from '../sandbox-process.ts'
import { startSshd } from '../sshd-process.ts'
import { atMost, type Bench, type Row, type Subject } from '../subject.ts'

const MIB = 1024 * 1024
const SSHD_PORT = 12_722

interface Case {
  readonly words: string
  readonly pace: 'none' | 'vendor'
  readonly files: number
  readonly fileBytes: Bytes
  readonly direction: 'down' | 'up'
  readonly rounds: number
}

const BIG = { files: 1, fileBytes: 64 * MIB, rounds: 2 } as const
const SMALL = { files: 10_000, fileBytes: 1_024, rounds: 1 } as const
const PACED = { pace: 'vendor', files: 1, fileBytes: 8 * MIB, rounds: 1 } as const
const CASES: readonly Case[] = [
  { words: '64 MiB down', pace: 'none', direction: 'down', ...BIG },
  { words: '64 MiB up', pace: 'none', direction: 'up', ...BIG },
  { words: '10,000 files of 1 KiB down', pace: 'none', direction: 'down', ...SMALL },
  { words: '10,000 files of 1 KiB up', pace: 'none', direction: 'up', ...SMALL },
  { words: "8 MiB down at the vendor's pace", direction: 'down', ...PACED },
  { words: "8 MiB up at the vendor's pace", direction: 'up', ...PACED },
]

/** `pgctl cp` and scp, each from its start to its end, on one path. */
export const copies: Subject = {
  name: 'copies',
  title: 'Copies of files',
  method: [
    'Random content, which nothing packs. `pgctl cp` compares checksums of both ends, scp does not; both begin with a',
    'session. scp goes through `pgctl ssh-proxy`, the bastion being this computer. The vendor’s agent pauses in ports',
    'and terminals, and not in the output of a command, which is how files come down.',
  ].join('\n'),
  within: 480_000,
  others: ['scp through ssh-proxy'],
  async *measure(bench: Bench): AsyncGenerator<Row, void> {
    await using sshd = await startSshd(SSHD_PORT)
    for (const pace of ['none', 'vendor'] as const) {
      const flags = ['--pace', pace, '--ssh', String(sshd.port)]
      await using sandbox = await SandboxProcess.start(bench.cli, flags, bench.signal)
      const { username } = userInfo()
      const config = await sshd.configure(
        await bench.cli.run(
          ['ssh-proxy', '--config', '--user', username, '--installation', 'acme'],
          sandbox.environment,
        ),
      )
      for (const one of CASES.filter((each) => each.pace === pace))
        yield await measureCase(bench, one, { folder: sshd.folder, config, environment: sandbox.environment })
    }
  },
}

interface Place {
  readonly folder: string
  readonly config: string
  readonly environment: NodeJS.ProcessEnv
}

async function measureCase({ cli, signal }: Bench, one: Case, place: Place): Promise<Row> {
  const { folder, config, environment } = place
  const source = join(folder, 'source')
  await makeSource(source, one)
  const isUp = one.direction === 'up'
  let count = 0
  const target = () => join(folder, `target-${++count}`)
  const timed = async (run: (to: string) => Promise<unknown>): Promise<Ms> => {
    const to = target()
    const before = performance.now()
    await run(to)
    const took = performance.now() - before
    await rm(to, { recursive: true, force: true })
    return took
  }
  const far = (path: string, mark: string, isFar: boolean) => (isFar ? `${mark}:${path}` : path)
  const figures = await takeTurns(
    {
      cp: () => timed((to) => cli.run(['cp', far(source, '', !isUp), far(to, '', isUp)], environment)),
      scp: () =>
        timed(async (to) => {
          const words = ['-q', '-r', '-p', '-F', config]
          const child = startChild(
            'scp',
            [...words, far(source, 'acme.pgctl', !isUp), far(to, 'acme.pgctl', isUp)],
            { env: environment, stdio: 'ignore' },
          )
          const status = await childEnd(child)
          if (status !== 0) throw new Error(`scp ended with ${status}`)
        }),
    },
    { rounds: one.rounds, within: 150_000, signal },
  )
  await rm(source, { recursive: true, force: true })
  const bytes = one.files * one.fileBytes
  const show = (durations: readonly Ms[]) => {
    const seconds = summarise(durations.map((each) => each / 1000))
    const rate =
      one.files > 1
        ? `${round(one.files / seconds.median)} files/s`
        : `${round(perSecond(bytes, seconds.median * 1000))} MB/s`
    return `${spread(seconds, 's')}, ${rate}`
  }
  const ratio = quotients(figures.cp, figures.scp)
  return {
    figure: one.words,
    measured: `${show(figures.cp)}; ${round(ratio.median)} × scp`,
    goal: atMost(1, ratio.median, ' × scp'),
    others: [show(figures.scp)],
  }
}

async function makeSource(path: string, { files, fileBytes }: Case): Promise<void> {
  if (files === 1) return writeFile(path, randomBytes(fileBytes))
  await mkdir(path)
  for (let file = 0; file < files; file++) {
    const folder = join(path, `d${file % 100}`)
    if (file < 100) await mkdir(folder)
    await writeFile(join(folder, `f${file}`), randomBytes(fileBytes))
  }
}
