import type { ChildProcess } from 'node:child_process'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { AdminClient } from '#sandbox/admin-client.ts'
import { runningRecord, SandboxFolders } from '#sandbox/state.ts'
import type { BuiltCli } from './built-cli.ts'
import { endChild } from './children.ts'
import { eventOf } from './json-lines.ts'

let started = 0

/** A sandbox in a process of its own, as `pgctl sandbox up` runs it. */
export class SandboxProcess implements AsyncDisposable {
  /** In which plain commands act on this sandbox. */
  readonly environment: NodeJS.ProcessEnv
  /** Turns it and asks it. */
  readonly admin: AdminClient
  readonly #cli: BuiltCli
  readonly #name: string
  readonly #child: ChildProcess

  private constructor(
    { cli, name, child }: { cli: BuiltCli; name: string; child: ChildProcess },
    environment: NodeJS.ProcessEnv,
    admin: AdminClient,
  ) {
    this.#cli = cli
    this.#name = name
    this.#child = child
    this.environment = environment
    this.admin = admin
  }

  /** Starts one with the flags of `sandbox up`. @throws Error when it does not come up. */
  static async start(cli: BuiltCli, flags: readonly string[], signal: AbortSignal): Promise<SandboxProcess> {
    const name = `bench-${process.pid}-${++started}`
    const child = cli.start(['sandbox', 'up', '--name', name, '--json', ...flags])
    await eventOf(child, 'ready', signal)
    try {
      const environment = await environmentOf(cli, name)
      const folder = new SandboxFolders(cli.stateFolder, systemProcesses).named(name)
      const admin = new AdminClient(await runningRecord(folder))
      return new SandboxProcess({ cli, name, child }, environment, admin)
    } catch (error) {
      await endChild(child)
      throw error
    }
  }

  /** The same by plain HTTP, for programs that cannot be told an authority. */
  plainEnvironment(): Promise<NodeJS.ProcessEnv> {
    return environmentOf(this.#cli, this.#name, ['--plain'])
  }

  get pid(): number {
    return this.#child.pid as number
  }

  [Symbol.asyncDispose](): Promise<void> {
    return endChild(this.#child)
  }
}

async function environmentOf(
  cli: BuiltCli,
  name: string,
  flags: readonly string[] = [],
): Promise<NodeJS.ProcessEnv> {
  const change = JSON.parse(await cli.run(['sandbox', 'env', '--name', name, '--json', ...flags])) as {
    readonly set: Readonly<Record<string, string>>
    readonly unset: readonly string[]
  }
  const inTheWay = Object.fromEntries(change.unset.map((variable) => [variable, undefined]))
  return { ...cli.environment, ...inTheWay, ...change.set }
}
