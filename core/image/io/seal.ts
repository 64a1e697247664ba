import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { Tree } from '#core/image/io/tree.ts'
import {
  faceOf,
  formatManifest,
  MANIFEST,
  manifestDigest,
  RECORD,
  SBOM,
  SHARE,
} from '#core/image/manifest.ts'
import { pathMatcher } from '#core/image/path-pattern.ts'
import { billOfMaterials, type ImageContents } from '#core/image/sbom.ts'
import { installedPackages } from '#core/image/system-files.ts'

export interface Seal {
  /** The digest of the manifest, which the AMI is tagged with. */
  readonly digest: string
  readonly files: number
  readonly packages: number
}

/** What changes on every machine, and so is in no manifest. */
const OF_THE_MACHINE = ['/var/log/**', '/etc/machine-id', '/var/lib/systemd/random-seed']

/**
 * Writes into a tree what it is made of: the bill of materials, a record of versions, and last the manifest of all
 * its files. The same tree gets the same seal.
 * @throws PgctlError `usage` where the folder holds no tree.
 */
export async function sealTree(
  root: string,
  contents: Omit<ImageContents, 'packages'>,
  lockDigest: string,
): Promise<Seal> {
  const status = await new Tree(root).read('/var/lib/dpkg/status')
  if (status === undefined)
    throw new PgctlError('usage', `${root} holds no tree of an image`, {
      why: 'there is no /var/lib/dpkg/status in it',
      next: 'give the folder that packer/build/tree.sh has made',
    })
  const packages = installedPackages(status)
  await mkdir(join(root, SHARE), { recursive: true, mode: 0o755 })
  const { lock, architecture, without, version } = contents
  const tools = lock.tools.filter(({ name }) => !without.includes(name))
  await writeDocument(join(root, SBOM), billOfMaterials({ ...contents, packages }))
  await writeDocument(join(root, RECORD), {
    pgctl: version,
    architecture,
    suite: lock.distribution.suite,
    lock: lockDigest,
    tools: Object.fromEntries(tools.map((tool) => [tool.name, tool.version])),
    without,
  })
  const manifest = await readManifest(new Tree(root))
  await writeFile(join(root, MANIFEST), formatManifest(manifest), { mode: 0o644 })
  return { digest: manifestDigest(manifest), files: manifest.files.size, packages: packages.size }
}

const writeDocument = (path: string, document: object) =>
  writeFile(path, `${JSON.stringify(document, null, 1)}\n`, { mode: 0o644 })

async function readManifest(tree: Tree) {
  const isLeftOut = pathMatcher([...OF_THE_MACHINE, MANIFEST])
  const files = new Map<string, string>()
  for (const entry of await tree.walk())
    if (entry.type !== 'folder' && !isLeftOut(entry.path)) files.set(entry.path, await faceOf(entry, tree))
  return { files }
}
