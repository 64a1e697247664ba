/** Names by pattern: `*` stands for any text, and at most once; everything else for itself. */

/** What `*` stands for in the first of `patterns` that fits `name`: '' for one without it, undefined for none. */
export function matchName(name: string, patterns: readonly string[]): string | undefined {
  for (const pattern of patterns) {
    const part = matchPattern(name, pattern)
    if (part !== undefined) return part
  }
  return undefined
}

function matchPattern(name: string, pattern: string): string | undefined {
  const star = pattern.indexOf('*')
  if (star === -1) return name === pattern ? '' : undefined
  const before = pattern.slice(0, star)
  const after = pattern.slice(star + 1)
  const fits = name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after)
  return fits ? name.slice(before.length, name.length - after.length) : undefined
}
