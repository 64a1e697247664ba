/**
 * What the first bytes of a Postgres dump say of it.
 *
 * ```
 *   custom:  "PGDMP" major minor revision │ int size │ offset size │ format │ compression │ date │ database │ server │ pg_dump
 *            an int is a sign byte and `int size` bytes, the least first; a date is seven ints, a text an int and bytes
 *   tar:     "toc.dat" at 0, "ustar" at 257       gzip: 1f 8b       plain: text
 * ```
 */
export interface DumpHeader {
  readonly format: 'custom' | 'tar' | 'gzip' | 'plain'
  /** As the computer that dumped it had it, without a zone: `2026-11-25T02:31:07`. */
  readonly madeAt: string | undefined
  /** The version of the server that it is of. */
  readonly serverVersion: string | undefined
}

/** How many bytes are enough to be told all of it. */
export const DUMP_HEAD = 64 * 1024

const MAGIC = 'PGDMP'
/** From this archive version on compression is one byte: an algorithm. */
const COMPRESSION_BYTE = [1, 15] as const
const CUSTOM = 1

/** Undefined where it is no dump at all. */
export function readDumpHeader(head: Uint8Array): DumpHeader | undefined {
  const text = (from: number, to: number) => Buffer.from(head.subarray(from, to)).toString('latin1')
  if (text(0, 5) === MAGIC) return readArchive(head)
  if (text(257, 262) === 'ustar')
    return text(0, 8) === 'toc.dat\0'
      ? { format: 'tar', madeAt: undefined, serverVersion: undefined }
      : undefined
  if (head[0] === 0x1f && head[1] === 0x8b)
    return { format: 'gzip', madeAt: undefined, serverVersion: undefined }
  if (head.length === 0 || head.includes(0)) return undefined
  const start = Buffer.from(head).toString('utf8')
  if (!/^(--|\\|SET |SELECT |CREATE |BEGIN|COPY |INSERT )/m.test(start)) return undefined
  return {
    format: 'plain',
    madeAt: /^-- Started on (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/m.exec(start)?.slice(1, 3).join('T'),
    serverVersion: /^-- Dumped from database version (\S+)/m.exec(start)?.[1],
  }
}

function readArchive(head: Uint8Array): DumpHeader | undefined {
  const [major = 0, minor = 0, , intSize = 0, , format] = head.subarray(MAGIC.length, MAGIC.length + 6)
  if (format !== CUSTOM || intSize < 1 || intSize > 8) return undefined
  let at = MAGIC.length + 6
  const readInt = (): number => {
    let value = 0
    for (let index = intSize; index > 0; index--) value = value * 256 + (head[at + index] ?? 0)
    const sign = head[at] === 0 ? 1 : -1
    at += 1 + intSize
    return sign * value
  }
  const readText = (): string => {
    const length = Math.max(0, readInt())
    at += length
    return Buffer.from(head.subarray(at - length, at)).toString('utf8')
  }
  if (major > COMPRESSION_BYTE[0] || (major === COMPRESSION_BYTE[0] && minor >= COMPRESSION_BYTE[1])) at += 1
  else readInt()
  const [second, minute, hour, day, month, year] = Array.from({ length: 7 }, readInt) as number[]
  readText()
  const serverVersion = readText()
  if (at > head.length) return undefined
  const two = (value: number | undefined) => String(value).padStart(2, '0')
  return {
    format: 'custom',
    madeAt: `${1900 + (year ?? 0)}-${two((month ?? 0) + 1)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`,
    serverVersion: serverVersion.split(' ', 1)[0] || undefined,
  }
}

const IDENTIFIER = String.raw`("(?:[^"]|"")+"|[A-Za-z_][\w$]*)`
const OWNER = new RegExp(String.raw`\bOWNER TO ${IDENTIFIER};$`)
const GRANT = new RegExp(`^(?:GRANT|REVOKE) .* (?:TO|FROM) ${IDENTIFIER}(?: WITH GRANT OPTION)?;$`)
const DEFAULTS = new RegExp(`^ALTER DEFAULT PRIVILEGES FOR ROLE ${IDENTIFIER} `)
const CREATED = new RegExp(`^CREATE ROLE ${IDENTIFIER};$`)

/** A role that a line of a plain dump takes for granted, or makes, as the line spells it. */
export function roleIn(line: string): { readonly name: string; readonly made: boolean } | undefined {
  const created = CREATED.exec(line)?.[1]
  if (created !== undefined) return { name: created, made: true }
  const needed = (OWNER.exec(line) ?? GRANT.exec(line) ?? DEFAULTS.exec(line))?.[1]
  return needed === undefined || needed === 'PUBLIC' ? undefined : { name: needed, made: false }
}
