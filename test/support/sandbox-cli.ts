import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Sandbox, type SandboxOptions, startSandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { endSupervisor } from './end-supervisor.ts'
import { soon } from './eventually.ts'
import { collector, type LogRecord } from './log-records.ts'
import { type Outcome, runCli } from './transcript.ts'

/** The built CLI's entry; `npm ci` builds it. */
export const cliEntry = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** A sandbox in this process, and a person with a home of their own who has it as their AWS account. */
export interface SandboxCli extends AsyncDisposable {
  readonly sandbox: Sandbox
  /** The person's home: configuration, state and cache are in here, and nothing else of this computer is read. */
  readonly home: string
  /** All that a command sees of its surroundings. */
  readonly environment: Readonly<Record<string, string>>
  /** What the agents have noted, the oldest first. */
  readonly agentLog: readonly LogRecord[]
  /** Runs a command to its end. */
  run(argv: readonly string[], options?: { environment?: Record<string, string> }): Promise<Outcome>
  /** Starts a command; it is killed with the test if it still runs then. */
  start(argv: readonly string[], options?: { environment?: Record<string, string> }): CliProcess
}

export interface SandboxCliOptions extends Omit<SandboxOptions, 'logger'> {
  /** `config.yaml`; one installation named acme unless told. */
  readonly config?: string
}

/** Starts both; disposal takes down what still runs. */
export async function startSandboxCli(options: SandboxCliOptions = {}): Promise<SandboxCli> {
  const { config = ACME, ...sandboxOptions } = options
  await using parts = new AsyncDisposableStack()
  const home = await mkdtemp(join(tmpdir(), 'pgctl-test-'))
  parts.defer(() => rm(home, { recursive: true, force: true }))
  const agentLog: LogRecord[] = []
  const sandbox = parts.use(
    await startSandbox({ pace: 'none', ...sandboxOptions, logger: collector(agentLog) }),
  )
  const configPath = join(home, 'config.yaml')
  const authorityPath = join(home, 'authority.pem')
  await Promise.all([writeFile(configPath, config), writeFile(authorityPath, sandbox.authority)])
  const environment = environmentOf(sandbox, { home, configPath, authorityPath })
  parts.defer(() => endSupervisor(join(home, 'state')))
  const started = parts.use(new AsyncDisposableStack())
  const running = parts.move()
  return {
    sandbox,
    home,
    environment,
    agentLog,
    run: (argv, more) => runCli(argv, { ...environment, ...more?.environment }, { cwd: home }),
    start: (argv, more) => started.use(new CliProcess(argv, { ...environment, ...more?.environment }, home)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** The installation that the sandbox is. */
const ACME = `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
`

function environmentOf(
  sandbox: Sandbox,
  { home, configPath, authorityPath }: { home: string; configPath: string; authorityPath: string },
): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
    PGCTL_CONFIG: configPath,
    AWS_ENDPOINT_URL: sandbox.endpoint,
    AWS_REGION: WORLD.region,
    AWS_ACCESS_KEY_ID: sandbox.operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.operator.secretAccessKey,
    // What the computer of a developer has in its files and metadata is not part of a test.
    AWS_EC2_METADATA_DISABLED: 'true',
    NODE_EXTRA_CA_CERTS: authorityPath,
  }
}

/** A command that runs, with what it has said so far. */
export class CliProcess implements AsyncDisposable {
  readonly outcome: Promise<Outcome>
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #said = { stdout: '', stderr: '' }
  readonly #waiting = new Set<() => void>()

  constructor(argv: readonly string[], environment: NodeJS.ProcessEnv, cwd: string, entry = cliEntry) {
    this.#child = spawn(process.execPath, [entry, ...argv], {
      env: environment,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const name of ['stdout', 'stderr'] as const)
      this.#child[name].setEncoding('utf8').on('data', (text: string) => {
        this.#said[name] += text
        this.#wake()
      })
    this.outcome = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (status, signal) => {
        resolve({ ...this.#said, status, signal })
        this.#wake()
      })
    })
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the command could not be started')
    return pid
  }

  get stdout(): string {
    return this.#said.stdout
  }

  get stderr(): string {
    return this.#said.stderr
  }

  /** The whole lines of stdout so far, as the events of a command that runs with `--json`. */
  get events(): CliEvent[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as CliEvent)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Stops reading stdout, whose pipe is full soon; until `readOn`. */
  stopReading(): void {
    this.#child.stdout.pause()
  }

  readOn(): void {
    this.#child.stdout.resume()
  }

  /** Stops reading stdout and closes the pipe, as a reader does that has seen enough. */
  closeStdout(): void {
    this.#child.stdout.destroy()
  }

  /** Resolves with the first event of that name; rejects when the command ends without it. */
  async event(name: string): Promise<CliEvent> {
    return this.until(() => this.events.find(({ event }) => event === name), `the event ${name}`)
  }

  /** Resolves with what `find` gives once it is something; it is asked whenever the command has said more. */
  async until<T>(find: () => T | undefined, what: string): Promise<T> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) await this.#ended(what)
      await soon(new Promise<void>((resolve) => this.#waiting.add(resolve)), what)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.outcome
  }

  async #ended(what: string): Promise<never> {
    const { stdout, stderr, status, signal } = await this.outcome
    throw new Error(`the command ended (${status ?? signal}) without ${what}:\n${stdout}${stderr}`)
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

export interface CliEvent {
  readonly event: string
  readonly [field: string]: unknown
}
