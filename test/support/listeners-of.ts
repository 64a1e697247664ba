import { readdir, readFile, readlink } from 'node:fs/promises'

/** An address and port on which a process waits for connections. */
export interface ListeningSocket {
  readonly address: string
  readonly port: number
}

/** The state of a socket that listens, as `/proc/net/tcp` writes it. */
const LISTENING = '0A'

/** What a process listens on by TCP, read from the system in the process's own network namespace. Linux only. */
export async function listenersOf(pid: number): Promise<ListeningSocket[]> {
  const inodes = new Set<string>()
  for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
    // One that has been closed meanwhile is none that listens.
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? []
    if (inode !== undefined) inodes.add(inode)
  }
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8')),
  )
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTENING && inodes.has(fields[9] ?? ''))
    .map((fields) => socketOf(fields[1] ?? ''))
}

/** `0100007F:1F90` and the like: 32-bit words in the machine's order, here little-endian. */
function socketOf(text: string): ListeningSocket {
  const [address = '', port = ''] = text.split(':')
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse())
  return { address: bytes.length === 4 ? bytes.join('.') : nameOf(bytes), port: Number.parseInt(port, 16) }
}

function nameOf(bytes: readonly number[]): string {
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  if (isMapped) return bytes.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0))
  if (groups.every((group) => group === 0)) return '::'
  const isLoopback = groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1
  return isLoopback ? '::1' : groups.map((group) => group.toString(16)).join(':')
}
