import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { root } from './image-tree.ts'
import { inNetworkOf, type Outside, startOutside, userDataDocument } from './outside-network.ts'
import { programOf } from './peers.ts'

/** A tree that systemd has booted in a container, in a network that is made for it and leads nowhere else. */

const run = promisify(execFile)
const BOOT_MS = 60_000
/** Where the checkout is seen in it. */
export const SOURCE = '/mnt'

export interface BootedTree extends AsyncDisposable {
  /** Runs a program in it, as root unless told; stdin is closed. */
  run(words: readonly string[], options?: RunOptions): Promise<Ran>
  /** Runs a program of this computer in its network. */
  inNetwork(words: readonly string[]): ChildProcess
  /** The words that run one there, for whoever starts it otherwise. */
  networkWords(words: readonly string[]): string[]
  /** Runs a program of this computer in the network around it. */
  outside(words: readonly string[]): ChildProcess
  /** Adds to what its metadata tells, by path: `/latest/meta-data/…`. */
  tell(documents: Readonly<Record<string, string>>): Promise<void>
  /** What it has told at boot. */
  readonly console: string
}

export interface RunOptions {
  readonly user?: 'root' | 'ssm-user'
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface BootOptions {
  /** The user data of its launch template; without it there is none. */
  readonly userData?: object
  /** What else its metadata tells, by path. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Names that are known around it, and their addresses. */
  readonly names?: Readonly<Record<string, string>>
  /** What lies around it, where that is there already, with all of the above; it stays. */
  readonly outside?: Outside
  /** How long its network takes to come: nothing at boot may need it. */
  readonly networkAfterMs?: number
  /** Credentials that systemd is given. */
  readonly credentials?: Readonly<Record<string, string>>
}

/** Boots; resolves when systemd says that it has done all that it is to start. */
export async function bootTree(tree: string, options: BootOptions = {}): Promise<BootedTree> {
  const words = ['--register=no', '--keep-unit', '--quiet', '--private-network', '--resolv-conf=off']
  for (const [name, text] of Object.entries(options.credentials ?? {}))
    words.push(`--set-credential=${name}:${text}`)
  words.push('--timezone=off', '--link-journal=no', `--bind-ro=${root}:${SOURCE}`, '-D', tree, '--boot')
  const container = spawn(programOf('systemd-nspawn'), words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [container.stdout, container.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  const helpers: ChildProcess[] = []
  let leader = 0
  let outside: Outside | undefined
  const around = (): Outside => {
    if (outside === undefined) throw new Error('there is nothing around it yet')
    return outside
  }
  const booted: BootedTree = {
    get console() {
      return said
    },
    run: (line, more) => runInside(leader, line, more),
    inNetwork(line) {
      const child = inNetworkOf(leader, line)
      helpers.push(child)
      return child
    },
    outside: (line) => around().run(line),
    tell: (documents) => around().tell(documents),
    networkWords: (line) => ['nsenter', '--target', String(leader), '--net', ...line],
    async [Symbol.asyncDispose]() {
      for (const helper of helpers) helper.kill('SIGKILL')
      if (options.outside === undefined) await outside?.[Symbol.asyncDispose]()
      if (container.exitCode !== null) return
      const ended = once(container, 'exit')
      // The leader of the container is its init: with it everything in it ends.
      if (leader > 0) process.kill(leader, 'SIGKILL')
      else container.kill('SIGKILL')
      await ended
    },
  }
  try {
    leader = await leaderOf(container)
    const { userData, metadata = {}, names = {} } = options
    const told = { ...userDataDocument(userData), ...metadata }
    outside = options.outside ?? (await startOutside({ metadata: told, names }))
    await delay(options.networkAfterMs ?? 0)
    await outside.join(leader)
    await settled(booted)
    return booted
  } catch (error) {
    await booted[Symbol.asyncDispose]()
    throw new Error(`it does not boot: ${said.slice(-3_000)}`, { cause: error })
  }
}

/** The first process of the container, as this computer counts. */
async function leaderOf(container: ChildProcess): Promise<number> {
  for (const deadline = performance.now() + BOOT_MS; performance.now() < deadline; await delay(20)) {
    if (container.exitCode !== null) throw new Error(`nspawn has ended (${container.exitCode})`)
    const children = await childrenOf(container.pid ?? 0)
    for (const child of children) {
      const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')
      if (name.trim() === 'systemd') return child
    }
  }
  throw new Error('nspawn starts nothing')
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

async function settled(booted: BootedTree): Promise<void> {
  for (const deadline = performance.now() + BOOT_MS; performance.now() < deadline; await delay(100)) {
    const { stdout } = await booted.run(['systemctl', 'is-system-running'])
    if (/^(running|degraded)$/.test(stdout.trim())) return
  }
  throw new Error('systemd does not come to an end')
}

async function runInside(leader: number, words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { user = 'root', environment = {}, timeoutMs = 60_000 } = options
  const enter = ['--target', String(leader), '--all', '--wdns=/']
  const as = user === 'root' ? [] : ['setpriv', '--reuid=ssm-user', '--regid=ssm-user', '--init-groups']
  const home = user === 'root' ? '/root' : '/home/ssm-user'
  const clean = [
    'env',
    '-i',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'LC_ALL=C.UTF-8',
    'TERM=dumb',
    `HOME=${home}`,
  ]
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
  const line = [...enter, ...clean, ...settings, ...as, ...words]
  try {
    const { stdout, stderr } = await run('nsenter', line, { timeout: timeoutMs, maxBuffer: 16 * 1024 ** 2 })
    return { status: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { status: code, stdout, stderr }
  }
}
