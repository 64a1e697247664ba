import type { Bytes } from '#core/clock.ts'
import type { Entry } from '#core/transfer/entry.ts'

const BLOCK = 512
const TYPES = { file: '0', folder: '5', link: '2', other: '0' } as const

/** Two blocks of zeros, filled up to the record of 10 KiB that some tars read at once. */
export const TAR_END = new Uint8Array(20 * BLOCK)

/** What stands before the content of an entry: its pax records (full name, exact time, any size), and its header. */
export function tarHeader(entry: Entry): Uint8Array {
  const path = Buffer.from(entry.kind === 'folder' ? `./${entry.path}/` : `./${entry.path}`)
  const target = Buffer.from(entry.target)
  const records = [
    paxRecord('mtime', Buffer.from(secondsOf(entry.modified))),
    ...(path.length > 100 ? [paxRecord('path', path)] : []),
    ...(target.length > 100 ? [paxRecord('linkpath', target)] : []),
    ...(entry.size > 0o77777777777 ? [paxRecord('size', Buffer.from(String(entry.size)))] : []),
  ]
  const extension = Buffer.concat(records)
  return Buffer.concat([
    header(Buffer.from('./PaxHeaders'), { type: 'x', size: extension.length, mode: 0o644, modified: 0 }),
    extension,
    tarPadding(extension.length),
    header(path, { ...entry, type: TYPES[entry.kind], target }),
  ])
}

/** What fills up the last block of `size` bytes of content. */
export function tarPadding(size: Bytes): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK)
}

interface HeaderFields {
  readonly type: string
  readonly size: Bytes
  readonly mode: number
  readonly modified: number
  readonly target?: Uint8Array
}

function header(path: Uint8Array, { type, size, mode, modified, target }: HeaderFields): Uint8Array {
  const block = Buffer.alloc(BLOCK)
  block.set(path.subarray(0, 100), 0)
  block.write(octal(mode, 8), 100, 'latin1')
  block.write(octal(0, 8), 108, 'latin1')
  block.write(octal(0, 8), 116, 'latin1')
  block.write(octal(Math.min(size, 0o77777777777), 12), 124, 'latin1')
  block.write(octal(Math.max(0, Math.floor(modified / 1000)), 12), 136, 'latin1')
  block.write(' '.repeat(8), 148, 'latin1')
  block.write(type, 156, 'latin1')
  if (target !== undefined) block.set(target.subarray(0, 100), 157)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`
}

function secondsOf(modified: number): string {
  return (modified / 1000).toFixed(6)
}

/** A record counts its own length, digits included. */
function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length = rest + String(length).length
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')])
}
