import { createHash } from 'node:crypto'
import { accessSync, constants, globSync, readdirSync, readFileSync, statSync } from 'node:fs'
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
  if (recipe.kind === 'image') return `${name}-${version}-${imageDigest()}`
  if (recipe.kind === 'pip')
    return [`${name}-${version}`, ...(recipe.beside ?? [])].join('+').replaceAll('==', '-')
  if (recipe.kind !== 'cargo') return `${name}-${version}`
  const digest = createHash('sha256')
  for (const file of readdirSync(sourceOf(recipe.source), { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(rs|toml)$/.test(file)) digest.update(readFileSync(join(sourceOf(recipe.source), file)))
  return `${name}-${version}-${digest.digest('hex').slice(0, 12)}`
}

const packer = fileURLToPath(new URL('../../packer/', import.meta.url))
/** What the tree is made of; scripts that come later are run on a copy of it. */
const OF_THE_TREE = ['tools.lock.json', 'root', 'build/tree.sh', 'build/in-tree.sh', 'keys', 'go']
const SCRIPTS = ['10-tools', '20-accounts', '30-services', '40-hardening'].map(
  (name) => `provision/${name}.sh`,
)

/** Names, rights and contents of what the tree is made of. */
function imageDigest(): string {
  const digest = createHash('sha256')
  for (const place of [...OF_THE_TREE, ...SCRIPTS].map((name) => join(packer, name)))
    for (const file of statSync(place).isDirectory() ? filesBelow(place) : [place])
      digest
        .update(`${file.slice(packer.length)} ${statSync(file).mode & 0o111}\n`)
        .update(readFileSync(file))
  return digest.digest('hex').slice(0, 12)
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

/** The program of a peer, or undefined where it is not installed. */
export function findProgram(peer: Peer, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const { recipe, name } = peer
  // Of a tree one program stands for the rest: it is the last that is put in.
  if (recipe.kind === 'image')
    return firstExecutable([join(peersFolder(environment), folderNameOf(peer), 'tree/usr/bin/helm')])
  if (recipe.kind !== 'apt')
    return firstExecutable([join(peersFolder(environment), folderNameOf(peer), 'bin', name)])
  if (recipe.file) return firstOf(recipe.paths, constants.R_OK)
  const onPath = (environment['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))
  return firstExecutable([...recipe.paths.flatMap((path) => globSync(path)), ...onPath])
}

const firstExecutable = (candidates: readonly string[]) => firstOf(candidates, constants.X_OK)

function firstOf(candidates: readonly string[], mode: number): string | undefined {
  return candidates.find((path) => {
    try {
      accessSync(path, mode)
      return true
    } catch {
      return false
    }
  })
}
