import { execFile } from 'node:child_process'
import { cp, glob, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { withFileLock } from '#core/io/file-lock.ts'
import { systemClock } from '#core/io/system-clock.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the bundle is made from. */
const SOURCES = [
  'cli/**/*.ts',
  'core/**/*.ts',
  'functions/**/*.ts',
  'sandbox/**/*.ts',
  'build.mjs',
  'package.json',
]

/** The CLI as it is published, in a folder of its own. */
export interface PackagedCli extends AsyncDisposable {
  readonly folder: string
  /** The file to run. */
  readonly entry: string
}

/**
 * The files of the package and nothing else of this folder: what a command needs must be among them, and a build
 * beside the tests takes nothing away from under them. Built first, if the sources have changed.
 */
export async function packCli(): Promise<PackagedCli> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-package-'))
  // In node_modules: there on every computer that runs tests, and in nobody's commit.
  await withFileLock(join(root, 'node_modules', '.pgctl-build.lock'), systemClock, async () => {
    if (await isStale()) await promisify(execFile)(process.execPath, ['build.mjs'], { cwd: root })
    const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { files: string[] }
    for (const name of ['package.json', ...files])
      await cp(join(root, name), join(folder, name), { recursive: true })
  })
  return {
    folder,
    entry: join(folder, 'dist', 'main.js'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function isStale(): Promise<boolean> {
  const built = await changedAt('dist/main.js').catch(() => 0)
  for await (const source of glob(SOURCES, { cwd: root })) if ((await changedAt(source)) > built) return true
  return false
}

async function changedAt(path: string): Promise<number> {
  return (await stat(join(root, path))).mtimeMs
}
