import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { bootTree } from './booted-tree.ts'
import type { FinishedTree } from './image-tree.ts'

/** Below it somebody has taken a part of the hardening away. */
export const SCORE_FLOOR = 63

/**
 * The hardening index that lynis gives the tree, of 100. It judges the machine that it runs on: so it goes into the tree
 * first, and runs when that has booted.
 */
export async function hardeningScore(tree: FinishedTree): Promise<number> {
  for (const path of ['usr/sbin/lynis', 'usr/share/lynis', 'etc/lynis'])
    await cp(`/${path}`, join(tree.root, path), { recursive: true, preserveTimestamps: true })
  await using booted = await bootTree(tree.root)
  const { stdout } = await booted.run(['lynis', 'audit', 'system', '--quick', '--no-colors'], {
    timeoutMs: 300_000,
  })
  const [, score] = /Hardening index : (\d+)/.exec(stdout) ?? []
  if (score === undefined) throw new Error(`lynis gives no score:\n${stdout.slice(-1_000)}`)
  return Number(score)
}
