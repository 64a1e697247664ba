/**
 * The words of a command line, as the agent splits one that runs without a shell: quotes and backslashes as in a
 * shell, and nothing else of it: `a; b` are the words `a;` and `b`. Undefined when a quote is not closed.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote: '"' | "'" | undefined
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i)
    if (quote !== undefined && char === quote) quote = undefined
    else if (char === '\\' && quote !== "'") {
      i++
      if (i === line.length) return undefined
      const next = line.charAt(i)
      const kept = quote === '"' && !'"\\$`\n'.includes(next) ? '\\' : ''
      word = (word ?? '') + kept + next
    } else if (quote !== undefined) word = (word ?? '') + char
    else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (!/\s/.test(char)) word = (word ?? '') + char
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  if (quote !== undefined) return undefined
  if (word !== undefined) words.push(word)
  return words
}
