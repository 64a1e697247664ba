import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { lstat, readdir, readFile, readlink, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import type { Place } from '#core/image/checks.ts'
import { digestOf } from '#core/image/io/digest.ts'
import type { Entry, Machine, Socket, UnitState } from '#core/image/machine.ts'

/** More links than that on one way lead nowhere. */
const MOST_LINKS = 40

/** A tree of files in a folder. No link of it leads out of it. */
export class Tree implements Machine {
  readonly place: Place = 'tree'
  readonly #root: string
  #entries: Promise<readonly Entry[]> | undefined

  constructor(root: string) {
    this.#root = root
  }

  async read(path: string): Promise<string | undefined> {
    const place = await this.#resolve(path)
    return place === undefined ? undefined : await ifThere(() => readFile(place, 'utf8'))
  }

  async look(path: string): Promise<Entry | undefined> {
    const folder = await this.#resolve(dirname(path))
    if (folder === undefined) return undefined
    const stats = await ifThere(() => lstat(join(folder, path.slice(path.lastIndexOf('/') + 1))))
    return stats === undefined ? undefined : entryOf(path, stats)
  }

  async list(path: string): Promise<string[]> {
    const place = await this.#resolve(path)
    return (place === undefined ? undefined : await ifThere(() => readdir(place))) ?? []
  }

  walk(): Promise<readonly Entry[]> {
    this.#entries ??= this.#collect()
    return this.#entries
  }

  sha256(path: string): Promise<string> {
    return digestOf(join(this.#root, path))
  }

  /** As files say: systemd is not asked, as nothing runs. */
  async unit(name: string): Promise<UnitState | undefined> {
    const folders = ['/etc/systemd/system', '/usr/lib/systemd/system']
    const own = await this.look(`/etc/systemd/system/${name}`)
    const target = own?.type === 'link' ? await this.#target(`/etc/systemd/system/${name}`) : undefined
    if (target === '/dev/null') return { enabled: false, masked: true, active: undefined }
    const places = await Promise.all(folders.map((folder) => this.look(`${folder}/${name}`)))
    if (places.every((place) => place === undefined)) return undefined
    return { enabled: await this.#isWanted(name), masked: false, active: undefined }
  }

  failedUnits(): Promise<string[]> {
    throw nothingRuns()
  }

  sockets(): Promise<Socket[]> {
    throw nothingRuns()
  }

  sysctl(_name: string): Promise<string | undefined> {
    throw nothingRuns()
  }

  mountOptions(_path: string): Promise<string[] | undefined> {
    throw nothingRuns()
  }

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(join(this.#root, path))
    return bavail * bsize
  }

  /** Whether a link in some `*.wants` or `*.requires` brings a unit up. */
  async #isWanted(name: string): Promise<boolean> {
    for (const base of ['/etc/systemd/system', '/usr/lib/systemd/system'])
      for (const folder of await this.list(base))
        if (/\.(wants|requires)$/.test(folder) && (await this.list(`${base}/${folder}`)).includes(name))
          return true
    return false
  }

  async #target(path: string): Promise<string | undefined> {
    return ifThere(() => readlink(join(this.#root, path)))
  }

  /** Where a path really is, every link on its way taken as one inside the tree. */
  async #resolve(path: string): Promise<string | undefined> {
    let rest = path.split('/').filter((part) => part !== '')
    let at: string[] = []
    for (let links = 0; rest.length > 0; ) {
      const [part = '', ...further] = rest
      rest = further
      if (part === '.') continue
      if (part === '..') {
        at = at.slice(0, -1)
        continue
      }
      const here = join(this.#root, ...at, part)
      const stats = await ifThere(() => lstat(here))
      if (stats === undefined) return undefined
      if (!stats.isSymbolicLink()) {
        at = [...at, part]
        continue
      }
      links += 1
      if (links > MOST_LINKS) return undefined
      const target = await readlink(here)
      if (target.startsWith('/')) at = []
      rest = [...target.split('/').filter((word) => word !== ''), ...rest]
    }
    return join(this.#root, ...at)
  }

  /** Without a promise for each of some ten thousand files: it is five times as fast, and nothing else is to be done. */
  async #collect(): Promise<readonly Entry[]> {
    const { dev } = lstatSync(this.#root)
    const entries: Entry[] = []
    const folders = ['']
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
      for (const name of readdirSync(join(this.#root, folder))) {
        const path = `${folder}/${name}`
        const stats = lstatSync(join(this.#root, path), { throwIfNoEntry: false })
        // What is mounted into it is not of it. Of files the device says nothing: an overlay has several.
        if (stats === undefined || (stats.isDirectory() && stats.dev !== dev)) continue
        entries.push(entryOf(path, stats))
        if (stats.isDirectory()) folders.push(path)
      }
    return entries
  }
}

const nothingRuns = () => new PgctlError('internal', 'in a tree nothing runs')

function entryOf(path: string, stats: Stats): Entry {
  const { mode, uid, gid, size } = stats
  return { path, type: typeOf(stats), mode: mode & 0o7777, uid, gid, size }
}

function typeOf(stats: Stats): Entry['type'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'folder'
  return stats.isSymbolicLink() ? 'link' : 'other'
}

async function ifThere<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
