import type { ChildProcess } from 'node:child_process'
import type { Ms } from '#core/clock.ts'
import { WORLD } from '#sandbox/world.ts'
import type { BuiltCli } from './built-cli.ts'
import { endChild } from './children.ts'
import { eventOf } from './json-lines.ts'
import { type ProcessFigures, readProcessFigures } from './process-figures.ts'

/** The far end whose bytes can be checked. */
export const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`

/** A `pgctl tunnel` in a process of its own. */
export class TunnelProcess implements AsyncDisposable {
  readonly port: number
  /** From before the process was started to its word that it is ready. */
  readonly readyAfter: Ms
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number, readyAfter: Ms) {
    this.#child = child
    this.port = port
    this.readyAfter = readyAfter
  }

  /** Resolves when the tunnel is ready. @throws Error when it ends before. */
  static async open(
    cli: BuiltCli,
    environment: NodeJS.ProcessEnv,
    signal: AbortSignal,
    target = PAYLOAD,
  ): Promise<TunnelProcess> {
    const before = performance.now()
    const child = cli.start(['tunnel', target, '--port', '0', '--json'], environment)
    const ready = await eventOf(child, 'ready', signal)
    return new TunnelProcess(child, Number(ready['port']), performance.now() - before)
  }

  /** What it has used so far; undefined where the system does not say. */
  figures(): Promise<ProcessFigures | undefined> {
    return readProcessFigures(this.#child.pid as number)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return endChild(this.#child)
  }
}
