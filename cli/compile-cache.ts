import { mkdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { paths } from './paths.ts'

/** Keeps compiled code in this user's own cache folder; it must be called before the code that it is to keep. */
export function cacheCompiledCode(): void {
  try {
    const folder = join(paths().cache, 'compile')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    enableCompileCache(folder)
  } catch {
    // A home that cannot be written to costs some milliseconds at each start and nothing else.
  }
}
