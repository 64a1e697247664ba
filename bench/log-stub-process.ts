import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endChild, startChild } from './children.ts'
import { eventOf } from './json-lines.ts'

const entry = fileURLToPath(new URL('../bin/logs-stub.ts', import.meta.url))

/** `npm run logs-stub` in a process of its own. */
export class LogStubProcess implements AsyncDisposable {
  readonly kubeconfig: string
  readonly server: string
  readonly token: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ready: Readonly<Record<string, unknown>>) {
    this.#child = child
    this.kubeconfig = String(ready['kubeconfig'])
    this.server = String(ready['server'])
    this.token = String(ready['token'])
  }

  /** Starts one with the options of `npm run logs-stub`. @throws Error when it does not come up. */
  static async start(options: readonly string[], signal: AbortSignal): Promise<LogStubProcess> {
    const child = startChild(process.execPath, [entry, '--json', ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new LogStubProcess(child, await eventOf(child, 'ready', signal))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return endChild(this.#child)
  }
}
