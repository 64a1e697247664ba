import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isPgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { findProgram, folderNameOf, peersFolder } from './places.ts'
import { buildPeer } from './recipes.ts'
import { runStep } from './steps.ts'
import type { Peer, Recipe } from './table.ts'
import { missingToolchain } from './toolchains.ts'

/** Waits between the tries of one peer: a registry that is away for a moment must not cost a whole run. */
const PAUSES_MS = [5_000, 30_000]
const UNFINISHED = '.building-'

export interface Installer {
  readonly signal: AbortSignal
  /** One line for a person. */
  say(line: string): void
}

export interface Outcome {
  readonly peer: Peer
  readonly state: 'here' | 'installed' | 'skipped' | 'failed'
  /** Why it is skipped, or has failed. */
  readonly why?: string
}

/**
 * Installs what is missing of `peers`, one run at a time: a second one waits for the first. Each peer is built beside
 * its place and moved there when it is whole, so that what an interrupted run leaves is never taken for a peer.
 */
export async function installPeers(peers: readonly Peer[], installer: Installer): Promise<Outcome[]> {
  const root = peersFolder()
  if (peers.every((peer) => findProgram(peer))) return peers.map((peer) => ({ peer, state: 'here' }))
  await mkdir(join(root, 'logs'), { recursive: true, mode: 0o700 })
  return alone(join(root, 'lock'), installer, async () => {
    await removeUnfinished(root)
    const { here, waiting, skipped } = sort(peers)
    const ofKind = (...kinds: Recipe['kind'][]) => waiting.filter(({ recipe }) => kinds.includes(recipe.kind))
    // Downloads and the one-core parts of builds leave room for each other: two lanes, not more.
    const done = await Promise.all([
      inTurn(ofKind('go', 'go-main', 'kubernetes', 'go-tree'), (peer) => installOne(peer, root, installer)),
      (async () => [
        ...(await installPackages(ofKind('apt'), root, installer)),
        // Packages come first, as the image's tree is made with some of them.
        ...(await inTurn(ofKind('pip', 'cargo', 'image'), (peer) => installOne(peer, root, installer))),
      ])(),
    ])
    return [...here, ...skipped, ...done.flat()]
  })
}

function sort(peers: readonly Peer[]) {
  const here: Outcome[] = []
  const skipped: Outcome[] = []
  const waiting: Peer[] = []
  const kinds = new Map<string, string | undefined>()
  for (const peer of peers) {
    const { kind } = peer.recipe
    if (findProgram(peer)) here.push({ peer, state: 'here' })
    else {
      if (!kinds.has(kind)) kinds.set(kind, missingToolchain(kind))
      const why = kinds.get(kind)
      if (why === undefined) waiting.push(peer)
      else skipped.push({ peer, state: 'skipped', why })
    }
  }
  return { here, skipped, waiting }
}

async function inTurn<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await action(item))
  return results
}

/** Waits for the lock however long its holder builds. */
async function alone<T>(path: string, { signal, say }: Installer, action: () => Promise<T>): Promise<T> {
  for (let told = false; ; told = true) {
    signal.throwIfAborted()
    let mine = false
    try {
      return await withFileLock(path, systemClock, () => {
        mine = true
        return action()
      })
    } catch (error) {
      if (mine || !isPgctlError(error, 'state-conflict')) throw error
      if (!told) say(`waiting: ${error.message} (${error.why})`)
    }
  }
}

async function removeUnfinished(root: string): Promise<void> {
  for (const name of await readdir(root))
    if (name.startsWith(UNFINISHED)) await rm(join(root, name), { recursive: true, force: true })
}

async function installOne(peer: Peer, root: string, installer: Installer): Promise<Outcome> {
  const folder = join(root, `${UNFINISHED}${folderNameOf(peer)}`)
  return telling([peer], installer, async (log) => {
    try {
      await mkdir(folder)
      await buildPeer({ peer, folder, log, signal: installer.signal })
      await rename(folder, join(root, folderNameOf(peer)))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }).then(([outcome]) => outcome as Outcome)
}

/** Debian's packages in one go. A machine that starts services at their installation is told not to. */
async function installPackages(
  peers: readonly Peer[],
  root: string,
  installer: Installer,
): Promise<Outcome[]> {
  if (peers.length === 0) return []
  const packages = peers.flatMap(({ recipe }) => (recipe.kind === 'apt' ? [recipe.package] : []))
  return telling(peers, installer, (log) =>
    withoutServices(async () => {
      const options = {
        cwd: root,
        environment: { DEBIAN_FRONTEND: 'noninteractive' },
        log,
        signal: installer.signal,
      }
      const apt = ['apt-get', '-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=5']
      await runStep([...apt, 'update'], options)
      await runStep([...apt, 'install', '-y', '--no-install-recommends', ...packages], options)
    }),
  )
}

const SERVICES_POLICY = '/usr/sbin/policy-rc.d'

async function withoutServices(action: () => Promise<void>): Promise<void> {
  if (existsSync(SERVICES_POLICY)) return action()
  try {
    await writeFile(SERVICES_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    await action()
  } finally {
    await rm(SERVICES_POLICY, { force: true })
  }
}

/** Says what begins, how long it takes and how it ends, and tries again what fails. */
async function telling(
  peers: readonly Peer[],
  { signal, say }: Installer,
  action: (log: string) => Promise<void>,
): Promise<Outcome[]> {
  const names = peers.map(({ name }) => name).join(', ')
  const log = join(peersFolder(), 'logs', `${peers[0]?.name}.log`)
  const began = performance.now()
  const seconds = () => `${Math.round((performance.now() - began) / 1000)} s`
  say(`${names}: building`)
  const heartbeat = setInterval(() => say(`${names}: still building, ${seconds()}`), 60_000)
  try {
    for (const pause of [...PAUSES_MS, undefined])
      try {
        await action(log)
        break
      } catch (error) {
        signal.throwIfAborted()
        if (pause === undefined) throw error
        say(`${names}: failed, trying again in ${pause / 1000} s (${log})`)
        await delay(pause, undefined, { signal })
      }
    say(`${names}: installed in ${seconds()}`)
    return peers.map((peer) => ({ peer, state: 'installed' }))
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    say(`${names}: FAILED after ${seconds()}`)
    return peers.map((peer) => ({ peer, state: 'failed', why }))
  } finally {
    clearInterval(heartbeat)
  }
}
