import type { ChildProcess } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { paths } from '../cli/paths.ts'
import { childEnd, startChild } from './children.ts'

/** What a copy of the package needs; its one native module is found through `node_modules`. */
const PACKAGE = ['dist', 'profiles', 'oclif.manifest.json', 'package.json']
const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * The built CLI, as an installed package would be: a copy, so that a build meanwhile changes nothing, with a home of
 * its own, so that nothing of the person's configuration is read or written.
 */
export class BuiltCli implements AsyncDisposable {
  readonly entry: string
  readonly environment: NodeJS.ProcessEnv
  readonly #home: string

  private constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.#home = home
    this.entry = join(home, 'package', 'dist', 'main.js')
    this.environment = environment
  }

  /** @throws Error when the CLI was not built. */
  static async copy(): Promise<BuiltCli> {
    const home = await mkdtemp(join(tmpdir(), 'pgctl-bench-'))
    try {
      for (const part of PACKAGE) await cp(join(root, part), join(home, 'package', part), { recursive: true })
      await symlink(join(root, 'node_modules'), join(home, 'package', 'node_modules'))
    } catch (cause) {
      await rm(home, { recursive: true, force: true })
      throw new Error('the CLI is not built: run `node build.mjs` first', { cause })
    }
    return new BuiltCli(home, {
      ...withoutSettings(process.env),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      NO_COLOR: '1',
    })
  }

  /** Where the CLI keeps its state. */
  get stateFolder(): string {
    return paths(this.environment).state
  }

  /** Starts a command, in its own environment or that of a sandbox. */
  start(argv: readonly string[], environment = this.environment): ChildProcess {
    return startChild(process.execPath, [this.entry, ...argv], {
      cwd: this.#home,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** Runs a command to its end and answers what it printed. @throws Error when it fails. */
  async run(argv: readonly string[], environment = this.environment): Promise<string> {
    const child = this.start(argv, environment)
    const [stdout, stderr, status] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      childEnd(child),
    ])
    if (status !== 0) throw new Error(`pgctl ${argv.join(' ')} ended with ${status}: ${stderr || stdout}`)
    return stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#home, { recursive: true, force: true })
  }
}

/** What the person has set for commands of their own would change what these do. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PGCTL_')))
}

/** All that a process prints. */
export async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += chunk
  return text
}
