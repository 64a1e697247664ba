import { hash } from 'node:crypto'
import { access, copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { withApt } from '#core/image/io/apt.ts'
import { digestOf } from '#core/image/io/digest.ts'
import { runTool } from '#core/image/io/programs.ts'
import { obtain, type Sources } from '#core/image/io/sources.ts'
import { judgeLock } from '#core/image/judge-lock.ts'
import type { Architecture, DistributionPackage, Lock, Tool } from '#core/image/lock.ts'

export interface FetchWishes {
  readonly architecture: Architecture
  /** Tools that the image is to do without, named one by one. */
  readonly without: readonly string[]
  /** Also the packages of a disk that boots by itself. */
  readonly boot: boolean
  readonly into: string
  /** The lock's own file, which goes along with the parts. */
  readonly lockFile: string
}

export interface Fetched {
  readonly tools: readonly Tool[]
  readonly packages: readonly DistributionPackage[]
  /** Files that were there already, and are the right ones. */
  readonly kept: number
}

/**
 * Fetches all that an image is made of into a folder, each file checked by its signature and by the lock's digest:
 * `tools/NAME`, `packages/*.deb`, and `packages/Packages`, the index by which apt installs them; last `tools.lock.json`, once all is there. What is there and
 * right stays; what does not fit is gone again before the error.
 * @throws PgctlError `unhealthy` where the lock itself will not do, or something that was fetched is not what it names.
 */
export async function fetchImageParts(
  lock: Lock,
  sources: Sources,
  wishes: FetchWishes,
  say: (what: string) => void,
): Promise<Fetched> {
  const { architecture, without, boot, into, lockFile } = wishes
  checkLock(lock, wishes)
  const copy = join(into, 'tools.lock.json')
  await rm(copy, { force: true })
  await mkdir(join(into, 'tools'), { recursive: true, mode: 0o755 })
  await mkdir(join(into, 'packages'), { recursive: true, mode: 0o755 })
  const tools = lock.tools.filter(({ name }) => !without.includes(name))
  let kept = 0
  for (const tool of tools) {
    const path = join(into, 'tools', tool.name)
    if (await isThere(path, tool.sha256[architecture])) kept += 1
    else {
      say(`${tool.name} ${tool.version}`)
      await fetchTool(tool, path, sources, architecture)
    }
  }
  const packages = lock.distribution.packages[architecture].filter((item) => boot || item.boot !== true)
  kept += await fetchPackages(lock, packages, sources, wishes, say)
  await writeIndex(lock.distribution.suite, packages, join(into, 'packages'), sources.signal)
  await copyFile(lockFile, copy)
  return { tools, packages, kept }
}

function checkLock(lock: Lock, { architecture, without }: FetchWishes): void {
  const unknown = without.find((name) => lock.tools.every((tool) => tool.name !== name))
  if (unknown !== undefined)
    throw new PgctlError('usage', `the lock names no tool ${unknown}`, {
      next: `leave it out; its tools are ${lock.tools.map(({ name }) => name).join(', ')}`,
    })
  const [finding] = judgeLock(lock, [architecture]).filter(({ name }) => !without.includes(name))
  if (finding === undefined) return
  throw new PgctlError('unhealthy', `the lock will not do: ${finding.name} is ${finding.what}`, {
    why: finding.why,
    next: 'run pgctl image lock, which shows all that is wrong with it',
  })
}

/** @throws PgctlError `unhealthy` where it is not what the lock has; nothing of it is left then. */
async function fetchTool(
  tool: Tool,
  path: string,
  sources: Sources,
  architecture: Architecture,
): Promise<void> {
  const wanted = tool.sha256[architecture]
  const unchecked = `${path}.part`
  try {
    const { sha256 } = await obtain(tool, architecture, unchecked, sources)
    if (sha256 !== wanted) throw mismatch(`${tool.name} ${tool.version}`, wanted, sha256)
    await rename(unchecked, path)
  } finally {
    await rm(unchecked, { force: true })
  }
}

async function fetchPackages(
  lock: Lock,
  packages: readonly DistributionPackage[],
  sources: Sources,
  { architecture, into }: FetchWishes,
  say: (what: string) => void,
): Promise<number> {
  const folder = join(into, 'packages')
  const names = new Set(packages.map(fileOf))
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(join(folder, name))
  const missing: DistributionPackage[] = []
  for (const item of packages)
    if (!(await isThere(join(folder, fileOf(item)), item.sha256))) missing.push(item)
  if (missing.length === 0) return packages.length
  say(`${missing.length} packages of ${lock.distribution.suite}`)
  const { mirror, signal } = sources
  const options = { distribution: lock.distribution, folder: sources.folder, mirror, signal }
  await withApt(options, architecture, (apt) => apt.download(missing, folder))
  for (const item of missing) {
    const path = join(folder, fileOf(item))
    const sha256 = await digestOf(path)
    if (sha256 === item.sha256) continue
    await rm(path)
    throw mismatch(`${item.name} ${item.version}`, item.sha256, sha256)
  }
  return packages.length - missing.length
}

/** As apt names what it downloads. */
export function fileOf({ name, version, path }: DistributionPackage): string {
  const architecture = /_([^_]+)\.deb$/.exec(path)?.[1] ?? 'all'
  return `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`
}

const mismatch = (what: string, wanted: string | null, sha256: string) =>
  new PgctlError('unhealthy', `${what} is refused: its digest is another than the lock's`, {
    why: `the lock has ${String(wanted)}, and it is ${sha256}`,
    next: 'find out who changed it before you pin anything else',
  })

async function isThere(path: string, sha256: string | null): Promise<boolean> {
  try {
    await access(path)
  } catch {
    return false
  }
  return (await digestOf(path)) === sha256
}

/** An index of a flat archive: what each package says of itself, and the digest of the lock, which apt checks again. */
async function writeIndex(
  suite: string,
  packages: readonly DistributionPackage[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const records: string[] = []
  for (const item of packages) {
    const control = await runTool(['dpkg-deb', '--field', join(folder, fileOf(item))], { signal })
    const place = `Filename: ./${fileOf(item)}\nSize: ${item.size}\nSHA256: ${item.sha256}`
    records.push(`${control.trim()}\n${place}\n`)
  }
  const index = records.join('\n')
  await writeFile(join(folder, 'Packages'), index)
  const line = ` ${hash('sha256', index, 'hex')} ${Buffer.byteLength(index)} Packages`
  await writeFile(join(folder, 'Release'), `Suite: ${suite}\nCodename: ${suite}\nSHA256:\n${line}\n`)
}
