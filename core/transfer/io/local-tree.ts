import { type BigIntStats, lstatSync } from 'node:fs'
import { readdir, readlink, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { type Entry, KEPT_MODE, staysInside } from '#core/transfer/entry.ts'
import { hereFailure } from '#core/transfer/io/near-side.ts'
import type { LeftOut } from '#core/transfer/report.ts'

/** What is copied from this computer, as it was found. */
export interface LocalTree {
  readonly kind: 'file' | 'folder'
  /** The full path of the folder, or of the one file. */
  readonly root: string
  /** Its last name. */
  readonly name: string
  /** A folder before what is in it; in one order for one content. Of a single file, that alone. */
  readonly entries: readonly LocalEntry[]
  readonly leftOut: readonly LeftOut[]
}

export interface LocalEntry extends Entry {
  /** Stands for what the entry was when it was found: another one later is a change. */
  readonly state: string
}

/**
 * Looks at a file or folder of this computer.
 * @throws PgctlError `path-unknown`; `failed` where something may not be read; `usage` for what is neither.
 */
export async function readLocalTree(path: string): Promise<LocalTree> {
  const root = resolve(path)
  try {
    const found = await stat(root, { bigint: true })
    if (!found.isDirectory() && !found.isFile())
      throw new PgctlError('usage', `${path} is neither a file nor a folder`, { next: 'name another path' })
    const kind = found.isDirectory() ? 'folder' : 'file'
    const leftOut: LeftOut[] = []
    const entries = [entryOf('', kind, found)]
    if (kind === 'folder') await readFolder(root, '', entries, leftOut)
    return { kind, root, name: basename(root), entries, leftOut }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw hereFailure(error)
    throw new PgctlError('path-unknown', `there is no ${path} on this computer`, {
      next: 'name a file or folder that is here; one on the bastion begins with a colon',
    })
  }
}

async function readFolder(
  root: string,
  folder: string,
  entries: LocalEntry[],
  leftOut: LeftOut[],
): Promise<void> {
  const names = (await readdir(join(root, folder))).sort()
  for (const name of names) {
    const path = folder === '' ? name : `${folder}/${name}`
    const found = lstatSync(join(root, path), { bigint: true })
    if (found.isDirectory()) {
      entries.push(entryOf(path, 'folder', found))
      await readFolder(root, path, entries, leftOut)
    } else if (found.isFile()) entries.push(entryOf(path, 'file', found))
    else if (found.isSymbolicLink()) {
      const target = await readlink(join(root, path))
      if (staysInside(path, target)) entries.push({ ...entryOf(path, 'link', found), target })
      else leftOut.push({ path, why: 'leads-outside' })
    } else leftOut.push({ path, why: 'special-file' })
  }
}

function entryOf(path: string, kind: Entry['kind'], stats: BigIntStats): LocalEntry {
  return {
    path,
    kind,
    size: kind === 'file' ? Number(stats.size) : 0,
    mode: Number(stats.mode) & KEPT_MODE,
    modified: Number(stats.mtimeNs / 1000n) / 1000,
    target: '',
    state: `${kind} ${stats.size} ${stats.mode} ${stats.mtimeNs} ${stats.ctimeNs}`,
  }
}

/** The paths that are not as they were: gone, new, or touched. */
export async function changesSince(tree: LocalTree): Promise<string[]> {
  const now = await readLocalTree(tree.root)
  const states = new Map(now.entries.map(({ path, state }) => [path, state]))
  const changed = tree.entries.filter(({ path, state }) => states.get(path) !== state)
  const known = new Set(tree.entries.map(({ path }) => path))
  const added = now.entries.filter(({ path }) => !known.has(path))
  return [...changed, ...added].map(({ path }) => (path === '' ? tree.name : path))
}
