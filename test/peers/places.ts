import { createHash } from 'node:crypto'
import { accessSync, constants, globSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { paths } from '#cli/paths.ts'
import type { Peer } from './table.ts'

/** Where the peers are: in a folder of their own each, beside pgctl's other caches; Debian's where it puts them. */

export const peersFolder = (environment: NodeJS.ProcessEnv = process.env): string =>
  join(paths(environment).cache, 'peers')

/** The source of a program of ours. */
export const sourceOf = (folder: string): string => fileURLToPath(new URL(`${folder}/`, import.meta.url))

/** The folder of a whole peer, below `peersFolder`; a program of ours is built anew when its source changes. */
export function folderNameOf({ name, version, recipe }: Peer): string {
  if (recipe.kind === 'pip')
    return [`${name}-${version}`, ...(recipe.beside ?? [])].join('+').replaceAll('==', '-')
  if (recipe.kind !== 'cargo') return `${name}-${version}`
  const digest = createHash('sha256')
  for (const file of readdirSync(sourceOf(recipe.source), { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(rs|toml)$/.test(file)) digest.update(readFileSync(join(sourceOf(recipe.source), file)))
  return `${name}-${version}-${digest.digest('hex').slice(0, 12)}`
}

/** The program of a peer, or undefined where it is not installed. */
export function findProgram(peer: Peer, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { recipe, name } = peer
  if (recipe.kind !== 'apt')
    return firstExecutable([join(peersFolder(environment), folderNameOf(peer), 'bin', name)])
  const onPath = (environment['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
  return firstExecutable([...recipe.paths.flatMap((path) => globSync(path)), ...onPath])
}

function firstExecutable(candidates: readonly string[]): string | undefined {
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
