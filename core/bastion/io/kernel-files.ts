import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelFiles, RunningProgram } from '../activity.ts'

/** Reads what the kernel tells of programs and connections; `proc` is `/proc`. Sockets of others only root sees. */
export async function readKernelFiles(proc: string): Promise<KernelFiles> {
  const names = (await readdir(proc)).filter((name) => /^\d+$/.test(name))
  const [uptime, programs, tcp] = await Promise.all([
    orEmpty(readFile(join(proc, 'uptime'), 'utf8')),
    Promise.all(names.map((name) => readProgram(proc, name))),
    Promise.all(['net/tcp', 'net/tcp6'].map((name) => orEmpty(readFile(join(proc, name), 'utf8')))),
  ])
  return {
    uptime: Number.parseFloat(uptime || '0') * 1_000,
    tcp,
    programs: programs.filter((program) => program !== undefined),
  }
}

/** Undefined for one that has ended meanwhile. */
async function readProgram(proc: string, name: string): Promise<RunningProgram | undefined> {
  const folder = join(proc, name)
  const [stat, line, cgroup] = await Promise.all(
    ['stat', 'cmdline', 'cgroup'].map((file) => orEmpty(readFile(join(folder, file), 'utf8'))),
  )
  // The name of a program stands in brackets, and may hold some itself.
  const [, parent] = /^\d+ \(.*\) \S (\d+) /s.exec(stat ?? '') ?? []
  if (parent === undefined) return undefined
  const words = (line ?? '').split('\0').filter((word, at, all) => word !== '' || at < all.length - 1)
  const sockets = await socketsOf(join(folder, 'fd'))
  return { pid: Number(name), parent: Number(parent), words, sockets, cgroup: cgroup ?? '' }
}

async function socketsOf(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder)
    const targets = await Promise.all(names.map((name) => orEmpty(readlink(join(folder, name)))))
    return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? [])
  } catch {
    return []
  }
}

/** What has gone while it was read, or is not ours to see, is nothing. */
async function orEmpty(text: Promise<string>): Promise<string> {
  try {
    return await text
  } catch {
    return ''
  }
}
