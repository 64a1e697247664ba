import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { environmentOf } from '#sandbox/environment.ts'
import type { FaultOrder } from '#sandbox/gateway/faults.ts'
import { knobsChangeSchema } from '#sandbox/knobs.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '#sandbox/sandbox.ts'
import { VENDOR_MODES, type Vendor } from '#sandbox/vendor/vendor.ts'
import { WORLD } from '#sandbox/world.ts'
import { endSupervisor } from './end-supervisor.ts'
import { noteLook, noteReport } from './note-look.ts'
import type { PackagedCli } from './packaged-cli.ts'
import { CliProcess } from './sandbox-cli.ts'
import { type CommandStep, outcomeLines, type Step, splitWords, unquote } from './transcript.ts'
import { maskVolatile } from './transcript-masks.ts'
import { vendorEntry } from './vendor-cli.ts'
import { startVendorStation, type VendorStation } from './vendor-station.ts'

/** The installation that the sandbox is, as a person would describe it. */
const ACME = [
  'installations:',
  '  acme:',
  `    workspace: ${WORLD.workspace}`,
  `    account: "${WORLD.account}"`,
  `    region: ${WORLD.region}`,
]

const USER_CONFIG = 'config/pgctl/config.yaml'

/** Where nothing listens: a command without a sandbox that calls anyone fails at once, on this computer. */
const NOWHERE = 'http://127.0.0.1:9'

/**
 * Where one transcript plays: a home of its own, and a sandbox if it wants one. Its words, for setup lines and for
 * what is done while a command runs:
 *
 * ```
 *   sandbox [OPTION=VALUE…]       starts one, and describes it in config.yaml as the installation acme
 *   knob NAME=VALUE…              turns its knobs                    deny=["ssm:StartSession"]
 *   fault NAME=VALUE…             orders a fault of its gateway      kind=refuse
 *   cluster FAULT NAME=VALUE…     makes a fault of its cluster       stopContainer pod=… waiting=…
 *   snapshots-pass MS             lets so much time pass for its snapshots alone
 *   looked NAME=VALUE…            the function has just looked at its bastion    idleMinutes=45 hours=open
 *   reported MINUTES              its bastion has just said that its audit log is so far behind
 *   image AMI [DAYS]              makes it, of so many days ago, the image of its bastion's next machine
 *   end-sessions TEXT             ends its sessions with a word of the service
 *   file PATH                     writes a file below the home; its lines follow
 *   env NAME=VALUE…               sets variables; `env NAME` takes one away
 *   listen NAME                   listens on a port, which {NAME} then stands for
 *   vendor                        starts a vendor's cloud; from here on the CLI is of a release of that vendor
 *   vendor-mode MODE              how it answers from here on        down
 *   license PATH NAME=VALUE…      writes a document of it            seq=2, ends=-20 (days from now)
 *   unordered                     sorts what commands show, for lines of several things at once
 *   wait TEXT                     (while a command runs) until it has shown the text
 *   request PATH                  (while a tunnel runs) asks for it through the tunnel
 *   signal NAME                   (while a command runs) sends it the signal
 * ```
 */
export class Scene implements AsyncDisposable {
  readonly #home: string
  readonly #cli: PackagedCli
  readonly #parts: AsyncDisposableStack
  #environment: Record<string, string>
  #places: Record<string, string>
  #sandbox: Sandbox | undefined
  #station: VendorStation | undefined
  #entry: string
  #unordered = false

  private constructor(home: string, parts: AsyncDisposableStack, cli: PackagedCli) {
    this.#home = home
    this.#cli = cli
    this.#entry = cli.entry
    this.#parts = parts
    this.#places = { HOME: home }
    this.#environment = {
      PATH: process.env['PATH'] ?? '',
      TZ: 'UTC',
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      // Code that one scene has compiled serves all.
      XDG_CACHE_HOME: join(cli.folder, 'cache'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL: NOWHERE,
    }
  }

  static async open(cli: PackagedCli): Promise<Scene> {
    await using parts = new AsyncDisposableStack()
    const home = await mkdtemp(join(tmpdir(), 'pgctl-scene-'))
    parts.defer(() => rm(home, { recursive: true, force: true }))
    parts.defer(() => endSupervisor(join(home, 'state')))
    return new Scene(home, parts.move(), cli)
  }

  /** Plays the steps; gives them back with what the commands really showed. */
  async play(steps: readonly Step[]): Promise<Step[]> {
    const played: Step[] = []
    for (const step of steps) {
      if (step.kind === 'setup') await this.#do(step.line, step.body)
      played.push(step.kind === 'command' ? await this.#run(step) : step)
    }
    return played
  }

  /** How many sessions the commands have left open at the service. */
  get openSessions(): number {
    return this.#sandbox?.cloud.gateway.statistics().sessionsOpen ?? 0
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync()
  }

  async #run(step: CommandStep): Promise<CommandStep> {
    const [line = '', head] = step.line.split(' | head -n ')
    const [program, ...argv] = splitWords(this.#fill(line)).map(unquote)
    if (program !== 'pgctl') throw new Error(`only pgctl is run here, not ${program}`)
    await using command = new CliProcess(argv, this.#environment, this.#home, this.#entry)
    if (head !== undefined) await closeAfter(command, Number(head))
    for (const action of step.actions) await this.#do(action, [], command)
    const places = { home: this.#home, cli: this.#cli.folder }
    const lines = outcomeLines(await command.outcome, (text) => maskVolatile(text, places))
    const shown = head === undefined ? lines : lines.slice(0, Number(head)).concat(lines.slice(-1))
    return { ...step, expected: this.#unordered ? [...shown.slice(0, -1).sort(), ...shown.slice(-1)] : shown }
  }

  async #do(line: string, body: readonly string[], command?: CliProcess): Promise<void> {
    const [verb = '', ...rest] = splitWords(this.#fill(line))
    const text = this.#fill(line.slice(verb.length + 1))
    switch (verb) {
      case 'sandbox':
        return this.#startSandbox(settingsOf(rest))
      case 'knob':
        this.#world().cloud.state.turn(knobsChangeSchema.parse(settingsOf(rest)))
        return
      case 'fault':
        this.#world().cloud.gateway.order(settingsOf(rest) as FaultOrder)
        return
      case 'cluster':
        this.#disturbCluster(rest)
        return untilNextMoment()
      case 'looked':
        return noteLook(this.#world(), settingsOf(rest))
      case 'reported':
        return noteReport(this.#world(), Number(text))
      case 'image': {
        const group = this.#world().cloud.state.groupOf(WORLD)
        const [image = '', days = '0'] = text.split(' ')
        group.version = String(group.addVersion(image, Date.now() - Number(days) * 86_400_000).version)
        return
      }
      case 'end-sessions':
        for (const session of this.#world().cloud.gateway.sessions()) session.end(text)
        return
      case 'snapshots-pass':
        this.#world().cloud.snapshots.ahead += Number(text)
        return
      case 'file':
        return this.#writeFile(text, body)
      case 'env':
        return this.#setVariables(rest)
      case 'listen':
        return this.#listen(text)
      case 'vendor':
        return this.#startVendor()
      case 'vendor-mode':
        return this.#turnVendor(text)
      case 'license':
        return this.#writeLicense(rest)
      case 'unordered':
        this.#unordered = true
        return
      case 'wait':
        await running(command).until(() => (hasShown(running(command), text) ? true : undefined), text)
        return
      case 'request':
        return request(running(command), text)
      case 'signal':
        running(command).kill(text as NodeJS.Signals)
        return
      default:
        throw new Error(`no such word in a transcript: ${verb}`)
    }
  }

  async #startSandbox(options: Record<string, unknown>): Promise<void> {
    this.#sandbox = this.#parts.use(
      await startSandbox({ pace: 'none', logInterval: 0, ...(options as SandboxOptions) }),
    )
    const { endpoint, authority, operator } = this.#sandbox
    const authorityPath = join(this.#home, 'authority.pem')
    const configPath = join(this.#home, USER_CONFIG)
    await writeFile(authorityPath, authority)
    await this.#writeFile(USER_CONFIG, ACME)
    const { set } = environmentOf({ endpoint, ...operator, authorityPath, configPath })
    // The configuration is found where a person's is.
    const { PGCTL_CONFIG: _config, PGCTL_INSTALLATION: _installation, ...variables } = set
    this.#environment = { ...this.#environment, ...variables }
  }

  async #startVendor(): Promise<void> {
    this.#station = this.#parts.use(await startVendorStation())
    this.#environment = { ...this.#environment, ...this.#station.environment }
    this.#entry = await vendorEntry(this.#cli)
    await this.#writeFile(USER_CONFIG, ACME)
  }

  #turnVendor(wanted: string): void {
    const mode = VENDOR_MODES.find((each) => each === wanted)
    if (mode === undefined) throw new Error(`a vendor cannot be ${wanted}`)
    this.#vendor().mode = mode
  }

  /** Of the customer that the vendor has; dates are days from now. */
  async #writeLicense([path = '', ...changes]: readonly string[]): Promise<void> {
    const { begins, ends, refresh, ...fields } = settingsOf(changes) as Record<string, unknown>
    const day = (days: unknown, name: string) =>
      days === undefined ? {} : { [name]: Math.floor(Date.now() / 1_000) + Number(days) * 86_400 }
    const dates = { ...day(begins, 'nbf'), ...day(ends, 'exp'), ...day(refresh, 'file_exp') }
    await this.#writeFile(path, [this.#vendor().document('lic-0f1e2d3c', { ...dates, ...fields })])
  }

  #vendor(): Vendor {
    if (this.#station === undefined) throw new Error('this transcript has not asked for a vendor')
    return this.#station.vendor
  }

  #disturbCluster([fault = '', ...rest]: readonly string[]): void {
    const { faults } = this.#world().kubernetes
    if (!Object.hasOwn(faults, fault)) throw new Error(`there is no cluster fault ${fault}`)
    const act = faults[fault as keyof typeof faults] as (details: unknown) => unknown
    act(settingsOf(rest))
  }

  async #writeFile(path: string, lines: readonly string[]): Promise<void> {
    const place = join(this.#home, path)
    await mkdir(dirname(place), { recursive: true })
    await writeFile(place, lines.map((line) => `${this.#fill(line)}\n`).join(''), { mode: 0o600 })
  }

  #setVariables(assignments: readonly string[]): void {
    for (const assignment of assignments) {
      const [name = '', ...value] = unquote(assignment).split('=')
      if (value.length > 0) this.#environment[name] = value.join('=')
      else delete this.#environment[name]
    }
  }

  async #listen(name: string): Promise<void> {
    const server = createServer((socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#parts.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
    this.#places = { ...this.#places, [name]: String((server.address() as AddressInfo).port) }
  }

  #world(): Sandbox {
    if (this.#sandbox === undefined) throw new Error('this transcript has not asked for a sandbox')
    return this.#sandbox
  }

  #fill(text: string): string {
    return text.replaceAll(/\{([A-Z]+)\}/g, (whole, name: string) => this.#places[name] ?? whole)
  }
}

/** `a=1 b=text` as an object; a value is JSON where it reads as JSON. */
function settingsOf(assignments: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    assignments.map((assignment) => {
      const [name = '', ...value] = assignment.split('=')
      return [name, literalOf(value.join('='))]
    }),
  )
}

function literalOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Lines of a log are ordered by their stamps: what is written next has a later one. */
function untilNextMoment(): Promise<void> {
  return sleep(2)
}

function running(command: CliProcess | undefined): CliProcess {
  if (command === undefined) throw new Error('this can only be done while a command runs')
  return command
}

function hasShown({ stdout, stderr }: CliProcess, text: string): boolean {
  return stdout.includes(text) || stderr.includes(text)
}

/** One HTTP request to the port that the tunnel has told, to the end of its answer. */
async function request({ stdout }: CliProcess, path: string): Promise<void> {
  const port = /(?:127\.0\.0\.1|localhost):(\d+)|"port":(\d+)/.exec(stdout)?.slice(1).find(Boolean)
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })
  await answer.arrayBuffer()
}

/** As `head` does: reads so many lines, and goes away. */
async function closeAfter(command: CliProcess, lines: number): Promise<void> {
  await command.until(() => (command.stdout.split('\n').length > lines ? true : undefined), `${lines} lines`)
  command.closeStdout()
}
