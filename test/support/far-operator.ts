import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from './bastion-sandbox.ts'
import type { Ran } from './booted-tree.ts'
import { PtyPerson } from './pty-person.ts'
import { cliEntry } from './sandbox-cli.ts'

/** An operator whose pgctl runs in a network of its own: `enter` is what leads a program into it. */
export class FarOperator implements AsyncDisposable {
  readonly #enter: readonly string[]
  readonly #words: readonly string[]
  readonly #folder: string
  readonly #children: ChildProcess[] = []

  private constructor(enter: readonly string[], words: readonly string[], folder: string) {
    this.#enter = enter
    this.#words = words
    this.#folder = folder
  }

  static async arrive(notes: SandboxNotes, enter: readonly string[]): Promise<FarOperator> {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-operator-'))
    await writeFile(join(folder, 'authority.pem'), notes.authority)
    await writeFile(join(folder, 'config.yaml'), CONFIG)
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      AWS_ENDPOINT_URL: notes.endpoint,
      AWS_REGION: WORLD.region,
      AWS_ACCESS_KEY_ID: notes.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: notes.operator.secretAccessKey,
      AWS_CA_BUNDLE: join(folder, 'authority.pem'),
      PGCTL_CONFIG: join(folder, 'config.yaml'),
    }
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    return new FarOperator(enter, ['env', '-i', ...settings, process.execPath, cliEntry], folder)
  }

  /** Starts a pgctl. */
  start(...words: string[]): ChildProcess {
    return this.#spawn([...this.#words, ...words])
  }

  /** Runs one to its end. */
  run(...words: string[]): Promise<Ran> {
    return this.runProgram(...this.#words, ...words)
  }

  /** Opens a tunnel, uses it and ends it; `port` is on the loopback of this network. */
  async through<Result>(
    words: readonly string[],
    use: (ready: { readonly port: number }) => Promise<Result>,
  ): Promise<Result> {
    const tunnel = this.start('tunnel', ...words, '--json', '--port', '0')
    const events: string[] = []
    for await (const line of createInterface({ input: tunnel.stdout as Readable })) {
      events.push(line)
      const event = JSON.parse(line) as { event: string; port?: number }
      if (event.event !== 'ready' || event.port === undefined) continue
      const result = await use({ port: event.port })
      const ended = once(tunnel, 'exit')
      tunnel.kill('SIGINT')
      await ended
      return result
    }
    throw new Error(`there is no tunnel: ${events.join('\n')}`)
  }

  /** Runs another program in that network to its end. */
  async runProgram(...words: string[]): Promise<Ran> {
    const child = this.#spawn(words)
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (part: string) => {
        said[name] += part
      })
    const [status] = await once(child, 'close')
    return { status: Number(status), ...said }
  }

  /** Somebody at a terminal in which one runs. */
  at(...words: string[]): PtyPerson {
    const [program = '', ...more] = [...this.#enter, ...this.#words, ...words]
    return new PtyPerson(program, more, { environment: { TERM: 'xterm-256color' }, cwd: this.#folder })
  }

  #spawn(words: readonly string[]): ChildProcess {
    const [program = '', ...more] = [...this.#enter, ...words]
    const child = spawn(program, more, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    return child
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}

const CONFIG = `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: '${WORLD.account}'
    region: ${WORLD.region}
`
