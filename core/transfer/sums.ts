import { PgctlError } from '#core/errors.ts'
import { safePath } from '#core/transfer/entry.ts'

/** Path to SHA-256, in hex. */
export type Sums = ReadonlyMap<string, string>

const LINE = /^(\\?)([0-9a-f]{64}) [ *]([\s\S]*)$/

/**
 * Reads what `sha256sum` prints. A name with a line break or a backslash is escaped, which a backslash in front of
 * the line tells.
 * @throws PgctlError `copy-corrupt`
 */
export function parseSums(text: string): Sums {
  const sums = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, escaped, sum, name] = LINE.exec(line) ?? []
    if (sum === undefined || name === undefined)
      throw new PgctlError('copy-corrupt', 'the list of checksums cannot be read', {
        why: `this is none: ${JSON.stringify(line.slice(0, 100))}`,
        next: 'run the command again',
      })
    sums.set(safePath(escaped === '\\' ? unescapeName(name) : name), sum)
  }
  return sums
}

function unescapeName(name: string): string {
  return name.replaceAll(
    /\\([\\nr])/g,
    (_, letter: string) => ({ '\\': '\\', n: '\n', r: '\r' })[letter] ?? '',
  )
}

/** The paths of which the two lists do not say the same, in order. */
export function differences(one: Sums, other: Sums): string[] {
  const paths = new Set([...one.keys(), ...other.keys()])
  return [...paths].filter((path) => one.get(path) !== other.get(path)).sort()
}
