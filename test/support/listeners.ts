import { readdir, readFile, readlink } from 'node:fs/promises'

/** A TCP socket that listens, as the kernel has it. */
export interface Listener {
  /** Dotted, or the four groups of eight hexadecimal digits that the kernel gives for IPv6. */
  readonly address: string
  readonly port: number
}

/** The state `LISTEN` in `/proc/net/tcp`. */
const LISTEN = '0A'

/** The sockets that listen and belong to one of these processes. Linux only: elsewhere nobody tells. */
export async function listenersOf(pids: readonly number[]): Promise<Listener[]> {
  const inodes = new Set((await Promise.all(pids.map(socketInodesOf))).flat())
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readTable(path)))
  return tables
    .flat()
    .filter(({ state, inode }) => state === LISTEN && inodes.has(inode))
    .map(({ address, port }) => ({ address, port }))
}

/** Whether an address of {@link listenersOf} is reached from this computer alone. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '00000000000000000000000001000000'
}

interface Row extends Listener {
  readonly state: string
  readonly inode: string
}

async function readTable(path: string): Promise<Row[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const fields = line.trim().split(/\s+/)
      const [hexAddress = '', hexPort = ''] = (fields[1] ?? '').split(':')
      return {
        address: hexAddress.length === 8 ? dotted(hexAddress) : hexAddress,
        port: Number.parseInt(hexPort, 16),
        state: fields[3] ?? '',
        inode: fields[9] ?? '',
      }
    })
}

/** The kernel prints an IPv4 address as one number in the byte order of the machine. */
function dotted(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join('.')
}

async function socketInodesOf(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`)
  const links = await Promise.all(
    descriptors.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  )
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [])
}
