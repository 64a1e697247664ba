import { isDeepStrictEqual } from 'node:util'
import { type Document, isMap, isScalar, parseDocument, stringify } from 'yaml'
import { PgctlError } from '#core/errors.ts'

const KEY = 'installation'

/**
 * A configuration file's text with `installation: NAME`, or undefined where it says so already. `text` is YAML that
 * can be used; comments and layout stay as the person has them.
 */
export function setInstallation(text: string, name: string): string | undefined {
  const document = parseDocument(text)
  const says = (document.toJS() ?? {}) as Readonly<Record<string, unknown>>
  if (says[KEY] === name) return undefined
  const wanted = { ...says, [KEY]: name }
  const edited = editText(text, document, name)
  if (means(edited, wanted)) return edited
  // A file in braces or with an end mark has no place for a line: printed anew it loses layout, and no comment.
  document.set(KEY, name)
  const printed = document.toString({ lineWidth: 0 })
  if (means(printed, wanted)) return printed
  throw new PgctlError('config-invalid', `cannot set "${KEY}: ${name}" in the configuration file`, {
    why: 'another value there refers to the one that would change',
    next: `write "${KEY}: ${name}" into it by hand`,
  })
}

function means(text: string, wanted: object): boolean {
  const document = parseDocument(text)
  return document.errors.length === 0 && isDeepStrictEqual(document.toJS(), wanted)
}

/** The value alone is exchanged, or a line added at the end: the printer would align and break lines its own way. */
function editText(text: string, { contents }: Document, name: string): string {
  // Quoted where it would not be a text otherwise: 7, true.
  const word = stringify(name).trimEnd()
  const value = isMap(contents) ? contents.get(KEY, true) : undefined
  if (isScalar(value) && value.range) {
    const [start, end] = value.range
    return text.slice(0, start) + word + text.slice(end)
  }
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  const whole = text === '' || text.endsWith('\n') ? text : text + lineEnd
  return `${whole}${KEY}: ${word}${lineEnd}`
}
