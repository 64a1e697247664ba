import { hash } from 'node:crypto'
import type { Entry, Machine } from '#core/image/machine.ts'

/** The image's own list of its files, by which it is known later that none has changed. */

export const SHARE = '/usr/share/pgctl-image'
export const MANIFEST = `${SHARE}/manifest`
export const SBOM = `${SHARE}/sbom.cdx.json`
export const RECORD = `${SHARE}/image.json`

export interface Manifest {
  /** By path: mode, owner, group and content, or what a link leads to. */
  readonly files: ReadonlyMap<string, string>
}

/** One line a file, by path: so that the same tree gives the same digest. */
export function formatManifest({ files }: Manifest): string {
  const lines = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, face]) => `${face} ${path}\n`)
  return lines.join('')
}

export function parseManifest(text: string): Manifest {
  const files = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, face, path] = /^(\S+ \S+ \S+) (\/.*)$/.exec(line) ?? []
    if (face !== undefined && path !== undefined) files.set(path, face)
  }
  return { files }
}

/** What the AMI is tagged with. */
export const manifestDigest = (manifest: Manifest): string => hash('sha256', formatManifest(manifest), 'hex')

/** How the manifest has a file. */
export async function faceOf(entry: Entry, machine: Machine): Promise<string> {
  const content = entry.type === 'file' ? await machine.sha256(entry.path) : entry.type
  return `0${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${content}`
}

/** Files and links that differ from the manifest; `isLeftOut` names what may. */
export async function changesSince(
  { files }: Manifest,
  machine: Machine,
  isLeftOut: (path: string) => boolean,
): Promise<string[]> {
  const seen = new Set<string>()
  const faults: string[] = []
  for (const entry of await machine.walk()) {
    if (entry.type === 'folder' || entry.path === MANIFEST || isLeftOut(entry.path)) continue
    seen.add(entry.path)
    const face = files.get(entry.path)
    if (face === undefined) faults.push(`${entry.path} is new`)
    else if (face !== (await faceOf(entry, machine))) faults.push(`${entry.path} has changed`)
  }
  for (const path of files.keys()) if (!seen.has(path) && !isLeftOut(path)) faults.push(`${path} is gone`)
  return faults
}
