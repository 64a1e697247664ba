import { copyFile, mkdir, readFile, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { messageOf, PgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { replaceFile } from '#core/io/replace-file.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { mergeKubeconfig, type NamedKubeconfig } from '#core/kube/merge-kubeconfig.ts'

/** The file that a merge goes into: the first one of KUBECONFIG, as kubectl itself would choose, or `~/.kube/config`. */
export function ownKubeconfig(environment: NodeJS.ProcessEnv): string {
  const [first] = (environment['KUBECONFIG'] ?? '').split(delimiter).filter(Boolean)
  return first === undefined ? join(environment['HOME'] || homedir(), '.kube', 'config') : resolve(first)
}

export interface Merged {
  readonly path: string
  /** What it was before; undefined where there was nothing, or nothing has changed. */
  readonly backup: string | undefined
}

/**
 * Merges into the person's kubeconfig: under the lock that kubectl takes too, by a rename, with a copy of what it was.
 * @throws PgctlError where the file cannot be used or written; it is as it was then.
 */
export async function mergeIntoOwn(path: string, ours: NamedKubeconfig, use: boolean): Promise<Merged> {
  return explained(path, async () => {
    // Those who keep their files elsewhere link them here: a rename onto the link would cut it.
    const place = await realpath(path).catch(() => path)
    await mkdir(dirname(place), { recursive: true, mode: 0o700 })
    return withFileLock(`${place}.lock`, systemClock, async () => {
      const text = await readOrNothing(place)
      const merged = mergeKubeconfig(text ?? '', ours, { use, path })
      if (merged === text) return { path, backup: undefined }
      const backup = text === undefined ? undefined : `${place}.before-pgctl`
      if (backup !== undefined) await copyFile(place, backup)
      await replaceFile(place, merged)
      return { path, backup }
    })
  })
}

/** Writes a kubeconfig that is ours alone. @throws PgctlError `usage` for a file that holds something else. */
export async function writeOurs(path: string, ours: NamedKubeconfig, text: string): Promise<void> {
  await explained(path, async () => {
    const before = await readOrNothing(path)
    if (before !== undefined && !isOurs(before, ours))
      throw new PgctlError('usage', `${path} is there already, and holds something else`, {
        next: 'name another file, or merge into it: pgctl kubeconfig --merge with KUBECONFIG set to it',
      })
    if ((await stat(dirname(path)).catch(() => undefined)) === undefined)
      throw new PgctlError('usage', `there is no folder ${dirname(path)}`, {
        next: `make it: mkdir -p ${dirname(path)}`,
      })
    await replaceFile(path, text)
  })
}

/** One that an earlier call has written: with this context and no other. */
function isOurs(text: string, ours: NamedKubeconfig): boolean {
  const contexts = [...text.matchAll(/^current-context: (.*)$/gm)].map(([, name]) => name)
  return contexts.length === 1 && contexts[0] === ours['current-context']
}

async function readOrNothing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function explained<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new PgctlError('failed', `cannot write the kubeconfig ${path}`, {
      why: messageOf(error),
      next: 'check that the file and its folder belong to you and that the disk is not full',
      cause: error,
    })
  }
}
