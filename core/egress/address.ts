/** Which addresses are inside: those of private networks, of this computer, of the link, and of many at once. */
const INSIDE_V4: ReadonlyArray<readonly [network: string, prefix: number]> = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
]
/** `::`, `::1`, fc00::/7, fe80::/10, ff00::/8, and addresses of version 4 in the form of version 6. */
const INSIDE_V6 = /^(::1?$|f[cd]|fe[89ab]|ff)/
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/

export function isInside(address: string): boolean {
  const lower = address.toLowerCase()
  const v4 = MAPPED.exec(lower)?.[1] ?? lower
  if (v4.includes(':')) return INSIDE_V6.test(v4)
  return INSIDE_V4.some(([network, prefix]) => top(v4, prefix) === top(network, prefix))
}

/** The first bits of an address, as a number. */
function top(address: string, prefix: number): number {
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  return Math.floor(number / 2 ** (32 - prefix))
}
