import type { Socket } from '#core/image/machine.ts'

/** States of the kernel's table: a TCP socket that listens, a UDP socket that nobody is connected to. */
const WAITING = { tcp: '0A', udp: '07' } as const

/**
 * Sockets that wait for others, of `/proc/net/tcp`, `tcp6`, `udp` or `udp6`: the kernel's own table, for which no
 * program is needed.
 */
export function waitingSockets(table: string, protocol: 'tcp' | 'udp'): Socket[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/)
      const [address, port] = local.split(':')
      if (state !== WAITING[protocol] || address === undefined || port === undefined) return []
      return [{ protocol, address: addressOf(address), port: Number.parseInt(port, 16) }]
    })
}

/** Words of 32 bits, each written as a little-endian machine has it in memory. */
function addressOf(hexadecimal: string): string {
  const bytes = (hexadecimal.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)),
  )
  if (bytes.length === 4) return bytes.join('.')
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  if (mapped) return bytes.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  )
  return groups
    .join(':')
    .replace(/\b0(:0){2,}\b/, '::')
    .replace(/:{3,}/, '::')
}

/** Whether nobody outside can reach a socket on this address. */
export const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address)
