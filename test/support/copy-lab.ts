import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PgctlError } from '#core/errors.ts'
import { copy } from '#core/transfer/io/copy.ts'
import { parsePlaces } from '#core/transfer/place.ts'
import type { CopyProgress, CopyReport } from '#core/transfer/report.ts'
import type { SandboxOptions } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { type SandboxSessions, startSandboxSessions } from './sandbox-sessions.ts'

/** A bastion, and a folder on each side: both are of this computer, and know nothing of each other. */
export interface CopyLab extends AsyncDisposable {
  readonly sessions: SandboxSessions
  readonly near: string
  readonly far: string
  /** Copies as the command does; `onProgress` may interrupt it. */
  copy(source: string, destination: string, more?: CopyMore): Promise<CopyReport>
}

export interface CopyMore {
  readonly compress?: boolean
  readonly onProgress?: (progress: CopyProgress, interrupt: () => void) => void
}

export async function startCopyLab(options: SandboxOptions = {}): Promise<CopyLab> {
  await using parts = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'pgctl-copy-'))
  parts.defer(() => rm(root, { recursive: true, force: true }))
  const sessions = parts.use(await startSandboxSessions(options))
  const near = join(root, 'near')
  const far = join(root, 'far')
  execFileSync('mkdir', [near, far])
  const running = parts.move()
  return {
    sessions,
    near,
    far,
    copy(source, destination, { compress = true, onProgress } = {}) {
      const abort = new AbortController()
      const interrupt = () => abort.abort(new PgctlError('interrupted', 'interrupted by a test'))
      return copy(
        parsePlaces(source, destination),
        {
          context: sessions.context,
          target: WORLD.bastion.instanceId,
          compress,
          onProgress: (progress) => onProgress?.(progress, interrupt),
        },
        abort.signal,
      )
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A file system of its own that holds so little; undefined where this computer does not let us have one. */
export function smallDisk(folder: string, size: string): Disposable | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['-l', folder]) }
}
