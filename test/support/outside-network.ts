import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { replaceFile } from '#core/io/replace-file.ts'
import { programOf } from './peers.ts'

/**
 * What lies around a bastion: the network that it gets its address from, the hypervisor's metadata, and hosts that
 * answer on every port. All of it is in a namespace of its own, joined to the bastion's by one cable.
 *
 * ```
 *   bastion eth0 10.20.x.x ── 10.20.0.1 gateway, DHCP, names ── 169.254.169.254, 10.20.0.9, 10.30.0.9, …
 * ```
 */
export interface Outside extends AsyncDisposable {
  /** Runs a program of this computer out there. */
  run(words: readonly string[]): ChildProcess
  /** The words that lead a program there, for whoever starts it otherwise. */
  readonly enter: readonly string[]
  /** Lays the cable to the network of a process, where its end is eth0. */
  join(pid: number): Promise<void>
  /** The cable of an emulated machine instead, whose emulator runs out there: its device. */
  tap(): Promise<string>
  /** Adds to what the metadata tells, by path: `/latest/meta-data/…`. */
  tell(documents: Readonly<Record<string, string>>): Promise<void>
}

export interface OutsideOptions {
  /** What its metadata tells, by path. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Names and their addresses. */
  readonly names?: Readonly<Record<string, string>>
}

/** The last is an address of the internet, where a test may listen. */
const HOSTS = ['169.254.169.254', '10.20.0.9', '10.30.0.9', '10.40.0.9', '203.0.113.9']

/** Runs a program of this computer in the network of a process. */
export const inNetworkOf = (pid: number, words: readonly string[]): ChildProcess =>
  spawn('nsenter', ['--target', String(pid), '--net', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })

/** Without a cable yet. */
export async function startOutside({ metadata: told = {}, names = {} }: OutsideOptions): Promise<Outside> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-outside-'))
  const documents: Record<string, string> = {}
  const tell = async (more: Readonly<Record<string, string>>) => {
    Object.assign(documents, more)
    await replaceFile(join(folder, 'metadata.json'), JSON.stringify(documents))
  }
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo here; exec sleep 3600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const children: ChildProcess[] = [holder]
  const stop = async () => {
    // The one who holds the network goes last.
    for (const child of children.reverse()) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await once(holder.stdout as Readable, 'data')
    const pid = holder.pid as number
    const ip = async (...words: string[]) => finish(inNetworkOf(pid, ['ip', ...words]))
    await ip('link', 'set', 'lo', 'up')
    for (const host of new Set([...HOSTS, ...Object.values(names)]))
      await ip('address', 'add', `${host}/32`, 'dev', 'lo')
    // Addresses of the same range as the cable's are answered for although they are on the loopback.
    const lease = `--dhcp-leasefile=${join(folder, 'leases')}`
    const dhcp = [
      '--dhcp-range=10.20.1.10,10.20.1.20,255.255.0.0,1h',
      lease,
      '--interface=cable',
      '--bind-dynamic',
    ]
    const quiet = [
      '--no-daemon',
      '--conf-file=/dev/null',
      '--no-resolv',
      '--no-hosts',
      '--user=root',
      '--no-ping',
    ]
    const known = Object.entries({ 'cluster.example': '10.20.0.9', ...names })
    const answers = known.map(([name, address]) => `--address=/${name}/${address}`)
    const server = inNetworkOf(pid, [programOf('dnsmasq'), ...quiet, ...dhcp, ...answers])
    const script = new URL('fake-metadata.ts', import.meta.url).pathname
    await tell(told)
    const metadata = inNetworkOf(pid, [process.execPath, script, join(folder, 'metadata.json')])
    children.push(server, metadata)
    await once(metadata.stdout as Readable, 'data')
    const upright = async () => {
      await ip('address', 'add', '10.20.0.1/16', 'dev', 'cable')
      await ip('link', 'set', 'cable', 'up')
    }
    return {
      enter: ['nsenter', '--target', String(pid), '--net'],
      run(words) {
        const child = inNetworkOf(pid, words)
        children.push(child)
        return child
      },
      async join(inside) {
        await ip('link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(inside))
        await upright()
      },
      async tap() {
        await ip('tuntap', 'add', 'cable', 'mode', 'tap')
        await upright()
        return 'cable'
      },
      tell,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function finish(child: ChildProcess): Promise<void> {
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`${child.spawnargs.join(' ')} ends with ${status}`)
}

/** What the metadata tell of the user data of a launch template. */
export const userDataDocument = (userData: object | undefined): Record<string, string> =>
  userData === undefined ? {} : { '/latest/user-data': JSON.stringify(userData) }
