import { open } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import type { Bytes } from '#core/clock.ts'

const SAMPLE: Bytes = 256 * 1024

/** Whether a file gets smaller by packing, as a sample of it tells: what is packed already does not. */
export async function isWorthPacking(path: string): Promise<boolean> {
  await using file = await open(path, 'r')
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE), 0, SAMPLE, 0)
  if (bytesRead === 0) return false
  return gzipSync(buffer.subarray(0, bytesRead), { level: 1 }).length < 0.9 * bytesRead
}
