import { PgctlError } from '#core/errors.ts'

/**
 * The words of another program's command line, as they were typed behind `--`: the parser sorts words by where each
 * first occurs, flags included. `parsed` are all words that are no flag of ours.
 * @throws PgctlError `usage` where there are none, or some stand in front.
 */
export function wordsBehindDashes(
  argv: readonly string[],
  parsed: readonly unknown[],
  example: string,
): string[] {
  const dashes = argv.indexOf('--')
  const words = dashes === -1 ? [] : argv.slice(dashes + 1)
  if (words.length > 0 && words.length === parsed.length) return words
  throw new PgctlError('usage', 'there is no command to run', {
    why: parsed.length === 0 ? undefined : `"${parsed[0]}" does not stand behind two dashes`,
    next: `put it behind two dashes: ${example}`,
  })
}
