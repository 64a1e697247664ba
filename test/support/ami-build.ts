import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peersFolder } from '../peers/places.ts'
import { NOT_IN_THE_TREE } from '../peers/recipes.ts'
import { type BuildSurroundings, ENDPOINT, startSurroundings } from './build-surroundings.ts'
import { root } from './image-tree.ts'
import { packCli } from './packaged-cli.ts'
import { packerIn } from './packer.ts'
import type { PeerOutcome } from './peer-process.ts'
import { programOf } from './peers.ts'
import { startInstance } from './throwaway-instance.ts'

/** One `packer build` of the template as it is committed, in a cloud and on an instance of its own. */
export interface AmiBuild extends AsyncDisposable {
  readonly around: BuildSurroundings
  readonly outcome: PeerOutcome
  /** What it was built of, and what it has left there. */
  readonly parts: string
  /** The disk of the instance that the image is on. */
  readonly disk: string
}

const run = promisify(execFile)
/** Of the emulator's. */
export const ACCOUNT = '123456789012'
export const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64'
export const BUILD_PEERS = [
  ...(['packer', 'packer-plugin-amazon', 'moto', 'aws', 'sshd', 'ssh', 'sudo', 'curl', 'jq'] as const),
  ...(['mmdebstrap', 'sfdisk', 'mkfs.vfat', 'mcopy'] as const),
]

/** What `sudo` sets there: nothing is installed on this computer, and what could not be fetched is not looked for. */
const ON_INSTANCE = {
  PGCTL_PREPARED: '1',
  PGCTL_WITHOUT: NOT_IN_THE_TREE.join(' '),
  PGCTL_SKIP: 'agent-version agent-starts',
}

/** Builds with these variables besides the usual ones; it does not throw when Packer fails. */
export async function buildAmi(values: Readonly<Record<string, string>>): Promise<AmiBuild> {
  await using stack = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pgctl-packer-'))
  stack.defer(() => rm(home, { recursive: true, force: true }))
  const parts = join(home, 'parts')
  await partsOfPeers(parts)
  const packer = await packerIn(home)
  const around = stack.use(await startSurroundings())
  const where = { network: around.network, endpoint: ENDPOINT, environment: ON_INSTANCE }
  const { disk } = stack.use(await startInstance(where))
  const given = { account: ACCOUNT, region: 'eu-central-1', architecture: ARCHITECTURE, parts, ...values }
  const words = Object.entries(given).flatMap(([name, value]) => ['-var', `${name}=${value}`])
  const environment = { ...packer.environment, ...around.environment, AWS: programOf('aws') }
  const command = ['build', ...words, join(root, 'packer')]
  await using building = around.start(packer.program, command, { environment, cwd: home })
  const outcome = await building.outcome
  const whole = stack.move()
  return { around, outcome, parts, disk, [Symbol.asyncDispose]: () => whole.disposeAsync() }
}

/** What `npm run peers` has fetched for the image, with pgctl beside it. */
async function partsOfPeers(parts: string): Promise<void> {
  const fetched = join(peersFolder(), 'image-parts')
  const packages = await readdir(join(fetched, 'packages'))
  const kernel = packages.some((name) => name.startsWith('linux-image-'))
  assert.ok(kernel, `there is no kernel in ${fetched}: npm run peers -- bastion-tree`)
  await mkdir(parts)
  for (const name of ['packages', 'tools']) await symlink(join(fetched, name), join(parts, name))
  await cp(join(fetched, 'tools.lock.json'), join(parts, 'tools.lock.json'))
  await using cli = await packCli()
  const packed = join(parts, 'pgctl.tgz')
  await run('tar', ['-czf', packed, '--transform', 's,^[.],package,', '-C', cli.folder, '.'])
}
