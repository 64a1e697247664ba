/** What the words of Redis' commands mean. */

/** `*` stands for any text, `?` for one character, `[a-c]` for one of some; a backslash takes each as it is. */
export function matching(pattern: string): (key: string) => boolean {
  const source = pattern.replace(
    /\\(.)|\[\^?[^\]]*\]|\*+|\?|[.+^${}()|[\]\\]/gs,
    (found, escaped?: string) => {
      if (escaped !== undefined) return `\\u{${escaped.charCodeAt(0).toString(16)}}`
      if (found.startsWith('*')) return '.*'
      if (found === '?') return '.'
      return found.length > 1 ? found.replaceAll('\\', '\\\\') : `\\${found}`
    },
  )
  try {
    const expression = new RegExp(`^${source}$`, 'su')
    return (key) => expression.test(key)
  } catch {
    // A range that runs backwards fits nothing.
    return () => false
  }
}

export function integerOf(word: Buffer | undefined): number | undefined {
  const text = textOf(word)
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : undefined
  return value
}

export function isWord(word: Buffer | undefined, name: string): boolean {
  return textOf(word).toUpperCase() === name
}

/** Keys are bytes: a text of one character a byte keeps them apart as they are. */
export function textOf(word: Buffer | undefined): string {
  return word?.toString('latin1') ?? ''
}

export function bytesOf(key: string): Buffer {
  return Buffer.from(key, 'latin1')
}
