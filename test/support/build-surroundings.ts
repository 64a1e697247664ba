import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createAuthority } from '#sandbox/certificates.ts'
import { type Emulator, startEmulator } from './emulator.ts'
import { inNetworkOf } from './outside-network.ts'
import { PeerProcess } from './peer-process.ts'
import { type WatchedEmulator, watchEmulator } from './watched-emulator.ts'

/**
 * What lies around a build of the AMI, in a network in which every address is this computer's, so that an instance
 * answers at whatever address the cloud says that it has:
 *
 * ```
 *   packer, aws ─┬─ 127.0.0.1:4566            the cloud: EC2 and STS of an emulator, watched
 *                ├─ checkip.amazonaws.com:443  says that this computer's public address is MINE
 *                └─ any address:22             an instance, if one was started
 * ```
 */
export interface BuildSurroundings extends AsyncDisposable {
  /** The process whose network it is. */
  readonly network: number
  readonly cloud: WatchedEmulator
  readonly emulator: Emulator
  /** For whoever asks the cloud from in there, or trusts the page. */
  readonly environment: Readonly<Record<string, string>>
  /** Starts a program there. */
  start(program: string, words: readonly string[], options: StartOptions): PeerProcess
}

export interface StartOptions {
  readonly environment: Readonly<Record<string, string>>
  readonly cwd: string
}

/** This computer's address, as the page tells it: one for documentation. */
export const MINE = '203.0.113.7'
const DEBIAN_OWNER = '136693071363'
/** The distribution's images, and what the template starts of them. */
export const SOURCES = {
  amd64: { ami: 'ami-0deb1a00000000a64', machine: 'x86_64', type: 'm7i.large' },
  arm64: { ami: 'ami-0deb1a00000000b64', machine: 'arm64', type: 'm7g.large' },
} as const
export const ENDPOINT = 'http://127.0.0.1:4566'

/** Neither is known to the emulator. What they are asked is seen in `cloud`. */
const UNKNOWN_TO_IT = ['EnableImageDeprecation', 'EnableImageDeregistrationProtection']
const PAGE = 'checkip.amazonaws.com'
/** A busy computer takes some minutes for an image. */
const BUILD_MS = 25 * 60_000

export async function startSurroundings(): Promise<BuildSurroundings> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-build-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'amis.json'), JSON.stringify((['amd64', 'arm64'] as const).map(debian)))
  const settings = { MOTO_AMIS_PATH: join(folder, 'amis.json') }
  const emulator = parts.use(await startEmulator('moto', { settings, timeoutMs: BUILD_MS }))
  const [api, page] = [join(folder, 'api.socket'), join(folder, 'page.socket')]
  const cloud = parts.use(await watchEmulator(emulator.url, api, UNKNOWN_TO_IT))
  const authority = await createAuthority()
  await writeFile(join(folder, 'ca.pem'), authority.certificate)
  await writeFile(join(folder, 'hosts'), `127.0.0.1 localhost\n203.0.113.1 ${PAGE}\n`)
  const { certificate: cert, key } = await authority.issue({ names: [PAGE] })
  const server = createServer({ cert, key }, (_request, response) => response.end(`${MINE}\n`)).listen(page)
  await once(server, 'listening')
  parts.defer(() => void server.close())
  const network = parts.adopt(await ownNetwork(), (holder) => void holder.kill('SIGKILL')).pid as number
  const relay = fileURLToPath(new URL('socket-relay.ts', import.meta.url))
  const ways = [`127.0.0.1:4566=${api}`, `203.0.113.1:443=${page}`]
  const enter = (words: readonly string[], { environment, cwd }: StartOptions) =>
    new PeerProcess('nsenter', ['--target', String(network), '--net', ...words], {
      ...{ environment, cwd, timeoutMs: BUILD_MS },
    })
  const plain = { PATH: process.env['PATH'] ?? '' }
  const relaying = parts.use(enter([process.execPath, relay, ...ways], { environment: plain, cwd: folder }))
  await relaying.says(/^here$/m)
  const running = parts.move()
  const withHosts = 'mount --make-rprivate / && mount --bind "$0" /etc/hosts && exec "$@"'
  return {
    network,
    cloud,
    emulator,
    environment: {
      AWS_ENDPOINT_URL: ENDPOINT,
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'none',
      AWS_EC2_METADATA_DISABLED: 'true',
      SSL_CERT_FILE: join(folder, 'ca.pem'),
      // Nothing takes its time in an emulator.
      AWS_POLL_DELAY_SECONDS: '1',
    },
    start: (program, words, options) =>
      enter(['unshare', '--mount', 'sh', '-c', withHosts, join(folder, 'hosts'), program, ...words], options),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A process with a network of its own, whose every address is the loopback's. */
async function ownNetwork(): Promise<ChildProcess> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo here; exec sleep 3600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    await once(holder.stdout as Readable, 'data')
    for (const words of ['link set lo up', 'route add local default dev lo'])
      await finish(inNetworkOf(holder.pid as number, ['ip', ...words.split(' ')]))
    return holder
  } catch (error) {
    holder.kill('SIGKILL')
    throw error
  }
}

async function finish(child: ChildProcess): Promise<void> {
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`${child.spawnargs.join(' ')} ends with ${status}`)
}

/** The distribution's image, as the emulator is told that there is one. */
function debian(architecture: keyof typeof SOURCES) {
  const { ami, machine } = SOURCES[architecture]
  return {
    ami_id: ami,
    name: `debian-13-${architecture}-20260901-2222`,
    owner_id: DEBIAN_OWNER,
    architecture: machine,
    creation_date: '2026-09-01T00:00:00.000Z',
    description: 'Debian 13',
    hypervisor: 'xen',
    image_type: 'machine',
    public: true,
    root_device_name: '/dev/xvda',
    root_device_type: 'ebs',
    sriov: 'simple',
    state: 'available',
    virtualization_type: 'hvm',
  }
}
