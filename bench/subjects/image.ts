import type { Ms } from '#core/clock.ts'
import { Tree } from '#core/image/io/tree.ts'
import { installedPackages } from '#core/image/system-files.ts'
import { type BootedTree, bootTree } from '../../test/support/booted-tree.ts'
import { hardeningScore, SCORE_FLOOR } from '../../test/support/hardening-score.ts'
import { type FinishedTree, finishedTree } from '../../test/support/image-tree.ts'
import { peerProgram } from '../peer-programs.ts'
import { milliseconds, round } from '../results.ts'
import { atLeast, atMost, type Bench, type Row, type Subject } from '../subject.ts'

const ROUNDS = 3
const GIB = 1024 ** 3

/** What the bastion's image weighs, and how it starts. */
export const image: Subject = {
  name: 'image',
  title: "The bastion's image",
  method:
    'The tree of the image, without the agent of the vendor, which cannot be fetched here, booted by systemd-nspawn with the metadata of an instance beside it: user-space time to multi-user.target by systemd’s own account. The score is that of lynis, run in it.',
  where: 'container',
  within: 600_000,
  async *measure({ signal }: Bench): AsyncGenerator<Row, void> {
    if (process.getuid?.() !== 0) throw new Error('only root mounts and boots a tree')
    await using tree = await finishedTree()
    yield* weigh(tree)
    const boots: Boot[] = []
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      signal.throwIfAborted()
      boots.push(await boot(tree))
    }
    const times = boots.map(({ userSpace }) => userSpace)
    yield {
      figure: 'user-space time to the target',
      measured: milliseconds(times),
      goal: atMost(5_000, Math.max(...times), ' ms'),
    }
    const asked = Math.max(...boots.map(({ outside }) => outside))
    yield {
      figure: 'connections out of it at boot, but for metadata',
      measured: `${asked}`,
      goal: atMost(0, asked),
    }
    if (peerProgram('lynis') === undefined) return
    // One that knows of no installation: it has not been booted before.
    await using unknown = await finishedTree()
    const score = await hardeningScore(unknown)
    yield { figure: 'score of lynis, of 100', measured: `${score}`, goal: atLeast(SCORE_FLOOR, score) }
  },
}

async function* weigh(tree: FinishedTree): AsyncGenerator<Row, void> {
  const machine = new Tree(tree.root)
  const entries = await machine.walk()
  const bytes = entries.reduce((sum, { type, size }) => sum + (type === 'file' ? size : 0), 0)
  yield { figure: 'files', measured: `${round(bytes / GIB)} GiB`, goal: atMost(2, bytes / GIB, ' GiB') }
  const { size } = installedPackages((await machine.read('/var/lib/dpkg/status')) ?? '')
  yield { figure: 'packages', measured: `${size}`, goal: atMost(250, size) }
}

interface Boot {
  readonly userSpace: Ms
  readonly outside: number
}

async function boot(tree: FinishedTree): Promise<Boot> {
  await using booted = await bootTree(tree.root, {
    userData: {
      pgctl: 1,
      installation: {
        name: 'acme',
        workspace: 'paragon-acme',
        account: '111122223333',
        region: 'eu-central-1',
      },
    },
  })
  const { stdout } = await booted.run(['systemd-analyze', 'time'])
  return { userSpace: userSpaceOf(stdout), outside: await refusedOut(booted) }
}

/** `Startup finished in 1.234s (userspace)`, or with minutes before it. */
function userSpaceOf(said: string): Ms {
  const [, minutes = '0', seconds, milli] =
    /in (?:.*\+ )?(?:(\d+)min )?(?:([\d.]+)s|(\d+)ms) \(userspace\)/.exec(said) ?? []
  return Number(minutes) * 60_000 + (milli === undefined ? Number(seconds) * 1000 : Number(milli))
}

/** What the firewall has refused, by its own counter: the image asks for nothing that it does not let out. */
async function refusedOut(booted: BootedTree): Promise<number> {
  const { stdout } = await booted.run(['nft', 'list', 'chain', 'inet', 'pgctl', 'output'])
  return Number(/counter packets (\d+)/.exec(stdout)?.[1])
}
