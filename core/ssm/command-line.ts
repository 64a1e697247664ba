/**
 * The agent splits a non-interactive command into words as a POSIX shell would (quotes, backslashes, `#` comments)
 * and runs the first one without a shell. This is the inverse: words that arrive as they were given.
 */

/** What needs no quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/

/** One line that the agent splits into exactly these words. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

function quoteWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
