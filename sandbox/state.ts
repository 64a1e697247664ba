import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { messageOf, PgctlError } from '#core/errors.ts'
import { withFileLock } from '#core/io/file-lock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { endOrphans } from './orphans.ts'

/** A process that a later one can recognise, and not take another for it that was given the same number. */
export interface ProcessIdentity {
  readonly machine: string
  readonly pid: number
  /** When it began, in whatever words the system has for it. */
  readonly start: string
}

/** Which processes there are. */
export interface Processes {
  self(): Promise<ProcessIdentity>
  isAlive(process: ProcessIdentity): Promise<boolean>
}

const key = z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() })

/** What another process needs to know of a sandbox that runs. It holds secrets: its file is 0600. */
const recordSchema = z.strictObject({
  /** The one endpoint of all services: by TLS, and plain. */
  endpoint: z.string(),
  plainEndpoint: z.string(),
  agent: z.enum(['own', 'external']),
  operatorKey: key,
  agentKey: key,
  adminSecret: z.string(),
})
export type SandboxRecord = z.infer<typeof recordSchema>

const ownerSchema = z.strictObject({ machine: z.string(), pid: z.int().positive(), start: z.string() })

/** How a sandbox of some name is. */
export type SandboxCondition =
  /** There is none, and nothing is left of one. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'starting'; readonly owner: ProcessIdentity }
  | { readonly kind: 'running'; readonly owner: ProcessIdentity; readonly record: SandboxRecord }
  /** Half dead: what is left must be cleaned up, its process included if that lives. */
  | { readonly kind: 'broken'; readonly why: string; readonly owner: ProcessIdentity | undefined }

const NAME = /^[a-z0-9][a-z0-9-]{0,40}$/
const OWNER_FILE = 'process.json'
const RECORD_FILE = 'state.json'

/**
 * The state of one sandbox: a folder (0700) below `root`, whose `process.json` says whose it is from before anything
 * starts, and whose `state.json` says how to reach it once everything has.
 */
export class SandboxFolder {
  readonly name: string
  readonly path: string
  /** Beside the folder, so that it outlives a start that failed. */
  readonly logPath: string
  readonly #root: string
  readonly #processes: Processes

  /** `root` is the folder of all sandboxes. @throws PgctlError `usage` for a name that is none. */
  constructor(root: string, name: string, processes: Processes) {
    if (!NAME.test(name))
      throw new PgctlError('usage', `"${name}" cannot be the name of a sandbox`, {
        why: 'a name is at most 41 lower-case letters, digits and dashes, a letter or digit first',
        next: 'choose another name: --name demo',
      })
    this.name = name
    this.path = join(root, name)
    this.logPath = join(root, `${name}.log`)
    this.#root = root
    this.#processes = processes
  }

  get authorityPath(): string {
    return join(this.path, 'ca.pem')
  }

  get configPath(): string {
    return join(this.path, 'config.yaml')
  }

  /** Where the processes of the sandbox put what is only of use while it runs. */
  get temporaryPath(): string {
    return join(this.path, 'tmp')
  }

  async condition(): Promise<SandboxCondition> {
    const owner = await this.#read(OWNER_FILE, ownerSchema)
    if (owner === 'missing') {
      const left = await readdir(this.path).catch(() => undefined)
      return left === undefined
        ? { kind: 'absent' }
        : { kind: 'broken', why: 'its start or its end was cut short', owner: undefined }
    }
    if (owner === 'invalid') return { kind: 'broken', why: `${OWNER_FILE} cannot be read`, owner: undefined }
    const { machine } = await this.#processes.self()
    if (owner.machine !== machine)
      return { kind: 'broken', why: `it was started on ${owner.machine}`, owner: undefined }
    if (!(await this.#processes.isAlive(owner)))
      return { kind: 'broken', why: `its process ${owner.pid} is gone`, owner: undefined }
    const record = await this.#read(RECORD_FILE, recordSchema)
    if (record === 'missing') return { kind: 'starting', owner }
    if (record === 'invalid') return { kind: 'broken', why: `${RECORD_FILE} cannot be read`, owner }
    return { kind: 'running', owner, record }
  }

  /** @throws PgctlError `sandbox-running` when a process has it, `sandbox-broken` when that is half dead. */
  async requireFree(): Promise<void> {
    const condition = await this.condition()
    if (condition.kind === 'starting' || condition.kind === 'running') throw alreadyRunning(this.name)
    if (condition.kind === 'broken' && condition.owner !== undefined)
      throw halfDead(this.name, condition.why, condition.owner)
  }

  /**
   * Makes the folder this process's, after what a dead one has left there is gone. Of several that try at once, one
   * succeeds.
   * @throws PgctlError as `requireFree`.
   */
  async claim(): Promise<void> {
    await this.makeRoot()
    await this.#alone(async () => {
      await this.requireFree()
      await this.remove()
      await mkdir(this.temporaryPath, { recursive: true, mode: 0o700 })
      await this.#replace(join(this.path, OWNER_FILE), JSON.stringify(await this.#processes.self()))
    })
  }

  /** Tells others how to reach the sandbox: everything is there before the record is. */
  async publish(record: SandboxRecord, authority: string, config: string): Promise<void> {
    await this.#replace(this.authorityPath, authority)
    await this.#replace(this.configPath, config)
    await this.#replace(join(this.path, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`)
  }

  /** Removes everything, the word on whose it is last. Harmless where there is nothing. */
  async remove(): Promise<void> {
    await endOrphans(this.temporaryPath)
    for (const entry of await readdir(this.path).catch(() => []))
      if (entry !== OWNER_FILE) await rm(join(this.path, entry), { recursive: true, force: true })
    await rm(join(this.path, OWNER_FILE), { force: true })
    await rmdir(this.path).catch(ignoreAbsence)
  }

  /** Removes all that a process which has ended left, the log included; a new one's folder is let be. */
  async removeLeftovers(): Promise<void> {
    if ((await readdir(this.#root).catch(() => undefined)) === undefined) return
    await this.#alone(async () => {
      const condition = await this.condition()
      if (condition.kind !== 'absent' && condition.owner !== undefined) return
      await this.remove()
      await rm(this.logPath, { force: true })
    })
    await rmdir(this.#root).catch(() => {})
  }

  /** Makes the folder of all sandboxes. @throws PgctlError `state-invalid` when there is no place for it. */
  async makeRoot(): Promise<void> {
    try {
      await mkdir(this.#root, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw new PgctlError('state-invalid', `cannot make the folder of sandboxes, ${this.#root}`, {
        why: messageOf(error),
        next: 'check that the folders above it are yours, or set XDG_STATE_HOME to another place',
        cause: error,
      })
    }
  }

  /** Only one process at a time decides whose the folder is. */
  #alone(action: () => Promise<void>): Promise<void> {
    return withFileLock(join(this.#root, `${this.name}.lock`), systemClock, action)
  }

  async #replace(path: string, content: string): Promise<void> {
    await writeFile(`${path}.new`, content, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  async #read<T>(file: string, schema: z.ZodType<T>): Promise<T | 'missing' | 'invalid'> {
    try {
      const parsed = schema.safeParse(JSON.parse(await readFile(join(this.path, file), 'utf8')))
      return parsed.success ? parsed.data : 'invalid'
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'invalid'
    }
  }
}

/** All sandboxes of one user. */
export class SandboxFolders {
  readonly #root: string
  readonly #processes: Processes

  /** `state` is where the user's state is kept; sandboxes have a folder of their own there. */
  constructor(state: string, processes: Processes) {
    this.#root = join(state, 'sandbox')
    this.#processes = processes
  }

  named(name: string): SandboxFolder {
    return new SandboxFolder(this.#root, name, this.#processes)
  }

  /** Every sandbox that there is, or of which something is left, by name. */
  async all(): Promise<SandboxFolder[]> {
    const entries = await readdir(this.#root, { withFileTypes: true }).catch(() => [])
    return entries
      .filter((entry) => entry.isDirectory() && NAME.test(entry.name))
      .map(({ name }) => name)
      .sort()
      .map((name) => this.named(name))
  }
}

/** The record of a sandbox that runs. @throws PgctlError `sandbox-not-running`, or `sandbox-broken`. */
export async function runningRecord(folder: SandboxFolder): Promise<SandboxRecord> {
  const condition = await folder.condition()
  switch (condition.kind) {
    case 'running':
      return condition.record
    case 'broken':
      throw new PgctlError('sandbox-broken', `the sandbox "${folder.name}" is half dead`, {
        why: condition.why,
        next: `clean up and start it again: pgctl sandbox down${option(folder.name)} && pgctl sandbox up${option(folder.name)} --detach`,
      })
    case 'starting':
      throw new PgctlError('sandbox-not-running', `the sandbox "${folder.name}" is still starting`, {
        next: 'run the command again in a second',
      })
    case 'absent':
      throw new PgctlError('sandbox-not-running', `there is no sandbox "${folder.name}"`, {
        next: `start it: pgctl sandbox up${option(folder.name)} --detach`,
      })
  }
}

function alreadyRunning(name: string): PgctlError {
  return new PgctlError('sandbox-running', `the sandbox "${name}" is already running`, {
    next: `use it: eval "$(pgctl sandbox env${option(name)})"; or end it: pgctl sandbox down${option(name)}`,
  })
}

function halfDead(name: string, why: string, { pid }: ProcessIdentity): PgctlError {
  return new PgctlError('sandbox-broken', `the sandbox "${name}" is half dead`, {
    why: `${why}, and its process ${pid} still runs`,
    next: `end it: pgctl sandbox down${option(name)}`,
  })
}

/** How a command is told which sandbox; the usual one needs no word. */
function option(name: string): string {
  return name === 'default' ? '' : ` --name ${name}`
}

function ignoreAbsence(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
