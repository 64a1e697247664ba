import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPgctlError, messageOf } from '#core/errors.ts'
import { withApt } from '#core/image/io/apt.ts'
import { type Arrived, obtain, type Sources } from '#core/image/io/sources.ts'
import {
  ARCHITECTURES,
  type Architecture,
  type DistributionPackage,
  type Lock,
  type Tool,
} from '#core/image/lock.ts'

/** What could not be looked at, and so stays as it was. */
export interface LeftOut {
  readonly name: string
  readonly architecture: Architecture
  readonly why: string
}

export interface UpdateWishes {
  /** Tools stay as they are. */
  readonly onlyPackages: boolean
  say(what: string): void
}

/**
 * The lock anew: packages as the distribution has them now, and the digest of every tool at the version that the lock
 * names, after its signature was checked. A tool that cannot be fetched keeps what the lock has.
 */
export async function updateLock(
  lock: Lock,
  sources: Sources,
  { onlyPackages, say }: UpdateWishes,
): Promise<{ lock: Lock; leftOut: LeftOut[] }> {
  const leftOut: LeftOut[] = []
  const tools: Tool[] = []
  for (const tool of onlyPackages ? [] : lock.tools) {
    let pinned = tool
    for (const architecture of ARCHITECTURES)
      try {
        say(`${tool.name} ${tool.version} for ${architecture}`)
        pinned = withDigests(pinned, architecture, await look(tool, architecture, sources))
      } catch (error) {
        sources.signal.throwIfAborted()
        // What is there and does not fit ends the update: nothing may be pinned around it.
        if (isPgctlError(error, 'unhealthy') && !isUnsigned(tool)) throw error
        const why = isPgctlError(error) ? `${error.message} (${error.why ?? ''})` : messageOf(error)
        leftOut.push({ name: tool.name, architecture, why })
      }
    tools.push(pinned)
  }
  const packages: Record<Architecture, DistributionPackage[]> = { amd64: [], arm64: [] }
  for (const architecture of ARCHITECTURES) {
    say(`packages of ${lock.distribution.suite} for ${architecture}`)
    packages[architecture] = await packagesNow(lock, architecture, sources)
  }
  const allTools = onlyPackages ? lock.tools : tools
  return { lock: { ...lock, tools: allTools, distribution: { ...lock.distribution, packages } }, leftOut }
}

const isUnsigned = (tool: Tool) => tool.from === 'file' && tool.signature.fingerprint === null

async function look(tool: Tool, architecture: Architecture, sources: Sources): Promise<Arrived> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-tool-'))
  try {
    return await obtain(tool, architecture, join(folder, tool.name), sources)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function withDigests(tool: Tool, architecture: Architecture, { sha256, integrity }: Arrived): Tool {
  const pinned = { ...tool, sha256: { ...tool.sha256, [architecture]: sha256 } }
  if (pinned.from !== 'npm' || integrity === undefined) return pinned
  const all = { ...pinned.signature.integrity, [architecture]: integrity }
  return { ...pinned, signature: { ...pinned.signature, integrity: all } }
}

function packagesNow(
  lock: Lock,
  architecture: Architecture,
  sources: Sources,
): Promise<DistributionPackage[]> {
  const { distribution } = lock
  const { folder, mirror, signal } = sources
  return withApt({ distribution, folder, mirror, signal }, architecture, async (apt) => {
    const wanted = Object.keys(distribution.wanted)
    const tree = await apt.closure(wanted)
    const toBoot = await apt.closure([...wanted, ...distribution.wantedToBoot[architecture]])
    const inTree = new Set(tree.map(({ name }) => name))
    return toBoot.map((item) => (inTree.has(item.name) ? item : { ...item, boot: true as const }))
  })
}
