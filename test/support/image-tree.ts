import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NOT_IN_THE_TREE } from '../peers/recipes.ts'
import type { PeerName } from '../peers/table.ts'
import { type PackagedCli, packCli } from './packaged-cli.ts'
import { lacking, programOf } from './peers.ts'

/** The tree of the image that `npm run peers` has made, in layers that a test may write to and throw away. */

const run = promisify(execFile)
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The tree as the cache has it: everything but pgctl, and not sealed. Nobody writes to it. */
export const cachedTree = (): string => dirname(dirname(dirname(programOf('bastion-tree'))))

/** A suite that needs the tree, and so root; it is counted where it is skipped, by what it `lacks` beside these too. */
export function describeImage(
  peers: readonly PeerName[],
  title: string,
  { timeout, lacks }: { readonly timeout: number; readonly lacks?: string | undefined },
  body: () => void,
): void {
  const isRoot = process.getuid?.() === 0
  const reason =
    lacks ?? lacking('bastion-tree', ...peers) ?? (isRoot ? undefined : 'only root mounts and boots a tree')
  describe(title, { timeout }, () => {
    if (reason === undefined) body()
    else it('needs a tree', (test: TestContext) => test.skip(reason))
  })
}

export const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** The parts that the end of a build needs: pgctl as it is packaged, and the lock of the cached tree. */
export async function putParts(cli: PackagedCli, parts: string): Promise<void> {
  const packed = join(parts, 'pgctl.tgz')
  await run('tar', ['-czf', packed, '--transform', 's,^[.],package,', '-C', cli.folder, '.'])
  await cp(join(cachedTree(), '../tools.lock.json'), join(parts, 'tools.lock.json'))
}

export interface Layer extends AsyncDisposable {
  readonly root: string
}

/** A writable layer over a tree; what is written is gone with it. */
export async function layerOver(tree: string): Promise<Layer> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-layer-'))
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [upper, work, merged]) await mkdir(path)
  const options = `lowerdir=${tree},upperdir=${upper},workdir=${work}`
  await run('mount', ['-t', 'overlay', 'overlay', '-o', options, merged])
  return {
    root: merged,
    async [Symbol.asyncDispose]() {
      await run('umount', ['--recursive', '--lazy', merged]).catch(() => undefined)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface FinishedTree extends Layer {
  /** The digest of its manifest. */
  readonly digest: string
}

export interface TreeOptions {
  /** A package of the vendor's agent, which is then put in as the build of an image does it. */
  readonly agent?: string | undefined
}

/** The tree with pgctl in it, as it is packaged, without what the build left, and sealed: by the image's own scripts. */
export async function finishedTree({ agent }: TreeOptions = {}): Promise<FinishedTree> {
  const layer = await layerOver(cachedTree())
  const parts = await mkdtemp(join(tmpdir(), 'pgctl-parts-'))
  try {
    if (agent !== undefined) await provisionAnew(layer.root, parts, agent)
    await using cli = await packCli()
    await putParts(cli, parts)
    const words = [parts, layer.root, architecture, ...NOT_IN_THE_TREE]
    const environment = { ...process.env, PGCTL: `${process.execPath} ${cli.entry}` }
    const { stdout } = await run(join(root, 'packer/build/finish.sh'), words, { env: environment })
    return { ...layer, digest: stdout.trim() }
  } catch (error) {
    await layer[Symbol.asyncDispose]()
    throw error
  } finally {
    await rm(parts, { recursive: true, force: true })
  }
}

/** Runs the scripts of the build once more, now that there is an agent among the parts. */
export async function provisionAnew(tree: string, parts: string, agent: string): Promise<void> {
  await mkdir(join(parts, 'tools'))
  for (const place of ['usr/bin/kubectl', 'usr/bin/helm', 'usr/lib/pgctl/node'])
    await cp(join(tree, place), join(parts, 'tools', basename(place)))
  await cp(agent, join(parts, 'tools/amazon-ssm-agent'))
  const scripts = ['10-tools', '20-accounts', '30-services', '40-hardening']
  await run(join(root, 'packer/build/in-tree.sh'), [parts, tree, ...scripts])
}
