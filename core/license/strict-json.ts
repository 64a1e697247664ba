/**
 * JSON that means one thing only: UTF-8 without a mark at its front, and no name twice in one object. Two readers of
 * a signed text must not be able to see two documents in it.
 */

const MAXIMUM_DEPTH = 16

/** The value, or the clause that says what is wrong. */
export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly why: string }

export function parseStrictJson(bytes: Uint8Array): StrictJson {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { ok: false, why: 'it is not UTF-8' }
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, why: 'it is not JSON' }
  }
  const why = findAmbiguity(text)
  return why === undefined ? { ok: true, value } : { ok: false, why }
}

/** Of a text that is JSON: the name that an object has twice, or that it is nested too deeply. */
function findAmbiguity(text: string): string | undefined {
  const open: Array<Set<string> | undefined> = []
  let isName = false
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/gs)) {
    const names = open.at(-1)
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined)
      isName = token === '{'
      if (open.length > MAXIMUM_DEPTH) return `it is nested more than ${MAXIMUM_DEPTH} deep`
    } else if (token === '}' || token === ']') {
      open.pop()
      isName = false
    } else if (token === ',') isName = names !== undefined
    else if (token === ':') isName = false
    else if (isName && names !== undefined) {
      const name = JSON.parse(token) as string
      if (names.has(name)) return `the name ${JSON.stringify(name)} stands there twice`
      names.add(name)
    }
  }
  return undefined
}
