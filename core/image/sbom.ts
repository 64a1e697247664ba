import { hash } from 'node:crypto'
import type { Architecture, Lock, Tool } from '#core/image/lock.ts'

/** What an image was made of. */
export interface ImageContents {
  readonly lock: Lock
  readonly architecture: Architecture
  /** Packages that are installed in it, by name. */
  readonly packages: ReadonlyMap<string, string>
  /** Tools of the lock that it does without. */
  readonly without: readonly string[]
  /** The version of pgctl that it holds. */
  readonly version: string
}

/**
 * The bill of materials, as CycloneDX 1.6: each package and tool with its version, digest and licence. The same
 * contents give the same document: it holds no time and no chance.
 */
export function billOfMaterials(contents: ImageContents): object {
  const { lock, architecture, packages, without, version } = contents
  const locked = new Map(lock.distribution.packages[architecture].map((item) => [item.name, item]))
  const ofPackages = [...packages]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, installed]) => {
      const item = locked.get(name)
      return component({
        type: 'library',
        name,
        version: installed,
        purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(installed)}?arch=${architecture}&distro=${lock.distribution.suite}`,
        licence: lock.distribution.wanted[name]?.licence,
        sha256: item?.version === installed ? item.sha256 : undefined,
      })
    })
  const ofTools = lock.tools
    .filter(({ name }) => !without.includes(name))
    .map((tool) =>
      component({
        type: 'application',
        name: tool.name,
        version: tool.version,
        purl: purlOf(tool, architecture),
        licence: tool.licence,
        sha256: tool.sha256[architecture] ?? undefined,
      }),
    )
  const pgctl = component({
    type: 'application',
    name: 'pgctl',
    version,
    purl: `pkg:npm/pgctl@${version}`,
    licence: 'Apache-2.0',
    sha256: undefined,
  })
  const components = [pgctl, ...ofTools, ...ofPackages]
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(components))}`,
    version: 1,
    metadata: { component: { type: 'operating-system', name: 'pgctl-bastion', version } },
    components,
  }
}

interface Part {
  readonly type: 'library' | 'application'
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly licence: string | undefined
  readonly sha256: string | undefined
}

function component({ licence, sha256, ...part }: Part): object {
  return {
    ...part,
    'bom-ref': part.purl,
    ...(licence === undefined ? {} : { licenses: [{ license: { name: licence } }] }),
    ...(sha256 === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: sha256 }] }),
  }
}

function purlOf(tool: Tool, architecture: Architecture): string {
  switch (tool.from) {
    case 'go':
      return `pkg:golang/${tool.url.slice('go:'.length)}#${tool.package}`
    case 'npm':
      return `pkg:npm/${tool.url[architecture].slice('npm:'.length)}`
    case 'file':
      return `pkg:generic/${tool.name}@${tool.version}?download_url=${encodeURIComponent(tool.url[architecture])}`
  }
}

/** A UUID (version 8: of a digest) that stands for the content. */
function uuidOf(text: string): string {
  const digits = hash('sha256', text, 'hex')
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
  ]
  return [...parts, digits.slice(20, 32)].join('-')
}
