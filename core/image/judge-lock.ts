import { ARCHITECTURES, type Architecture, type Lock, type Tool } from '#core/image/lock.ts'
import { compareVersions } from '#core/image/versions.ts'

/** Something of a lock that a build must not go on with. */
export interface LockFinding {
  /** The tool or package. */
  readonly name: string
  readonly what: 'unpinned' | 'unsigned' | 'too-old' | 'skewed' | 'missing' | 'twice'
  readonly why: string
}

/** What keeps an image of these architectures from being built by this lock. */
export function judgeLock(lock: Lock, architectures: readonly Architecture[] = ARCHITECTURES): LockFinding[] {
  return [
    ...lock.tools.flatMap((tool) => judgeTool(tool, lock, architectures)),
    ...architectures.flatMap((architecture) => judgePackages(lock, architecture)),
    ...repeated(lock.tools.map(({ name }) => name)),
  ]
}

function judgeTool(tool: Tool, lock: Lock, architectures: readonly Architecture[]): LockFinding[] {
  const { name, version, atLeast } = tool
  const findings: LockFinding[] = []
  const unpinned = architectures.filter(
    (architecture) =>
      tool.sha256[architecture] === null ||
      (tool.from === 'npm' && tool.signature.integrity[architecture] === null),
  )
  if (unpinned.length > 0)
    findings.push({ name, what: 'unpinned', why: `${version} has no digest for ${unpinned.join(' and ')}` })
  if (tool.from === 'file' && tool.signature.fingerprint === null)
    findings.push({
      name,
      what: 'unsigned',
      why: 'no key is pinned that its signature could be checked with',
    })
  if (atLeast !== undefined && compareVersions(version, atLeast.version) < 0)
    findings.push({
      name,
      what: 'too-old',
      why: `${version} is older than ${atLeast.version}: ${atLeast.because}`,
    })
  if (name === 'kubectl' && Math.abs(minorOf(version) - minorOf(lock.kubernetes)) > 1)
    findings.push({
      name,
      what: 'skewed',
      why: `${version} is more than one minor version away from the cluster's ${lock.kubernetes}`,
    })
  return findings
}

const minorOf = (version: string): number => Number(version.split('.')[1])

function judgePackages({ distribution }: Lock, architecture: Architecture): LockFinding[] {
  const names = distribution.packages[architecture].map(({ name }) => name)
  const known = new Set(names)
  const wanted = [...Object.keys(distribution.wanted), ...distribution.wantedToBoot[architecture]]
  return [
    ...wanted
      .filter((name) => !known.has(name))
      .map((name) => ({ name, what: 'missing' as const, why: `no package for ${architecture} is locked` })),
    ...repeated(names),
  ]
}

function repeated(names: readonly string[]): LockFinding[] {
  const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at))
  return [...twice].map((name) => ({ name, what: 'twice', why: 'it is locked more than once' }))
}
