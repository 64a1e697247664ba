import type { Ms } from '#core/clock.ts'

/**
 * What the first bytes of a Redis dump (RDB) say of it.
 *
 * ```
 *   "REDIS" version (4 digits) │ FA key value │ FA key value │ … │ FE …
 *   a length: 00xxxxxx · 01xxxxxx + 1 byte · 10000000 + 4 bytes · 11 00000x a number of 1, 2 or 4 bytes
 * ```
 */
export interface RdbHeader {
  /** Of the format. */
  readonly version: number
  /** Of the server that wrote it. */
  readonly redisVersion: string | undefined
  readonly madeAt: Ms | undefined
}

/** How many bytes are enough to be told all of it. */
export const RDB_HEAD = 4096

const AUXILIARY = 0xfa

/** Undefined where it is no RDB. */
export function readRdbHeader(head: Uint8Array): RdbHeader | undefined {
  const magic = /^REDIS(\d{4})$/.exec(Buffer.from(head.subarray(0, 9)).toString('latin1'))
  if (magic === null) return undefined
  const fields = new Map<string, string>()
  let at = 9
  const readText = (): string | undefined => {
    const first = head[at++] ?? 0
    const kind = first >> 6
    if (kind === 3) {
      const width = [1, 2, 4][first & 0x3f]
      if (width === undefined) return undefined
      let value = 0
      for (let index = width - 1; index >= 0; index--) value = value * 256 + (head[at + index] ?? 0)
      at += width
      return String(value)
    }
    let length = first & 0x3f
    if (kind === 1) length = length * 256 + (head[at++] ?? 0)
    else if (kind === 2) return undefined
    at += length
    return Buffer.from(head.subarray(at - length, at)).toString('utf8')
  }
  while (head[at] === AUXILIARY) {
    at++
    const [key, value] = [readText(), readText()]
    if (key === undefined || value === undefined || at > head.length) break
    fields.set(key, value)
  }
  const made = Number(fields.get('ctime'))
  return {
    version: Number(magic[1]),
    redisVersion: fields.get('redis-ver'),
    madeAt: Number.isFinite(made) && made > 0 ? made * 1000 : undefined,
  }
}
