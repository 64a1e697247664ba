import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLError,
} from 'yaml'
import type * as z from 'zod'
import { messageOf, PgctlError } from '#core/errors.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'

/** A document that people edit, YAML or JSON, and errors that name the place. */

export interface DocumentReading {
  /** Names the file in errors. */
  readonly source: string
  /** What the file is, as "the image's lock". */
  readonly what: string
  /** The keys that there are, of which a wrong one may be a misspelling. */
  readonly known: readonly string[]
  /** What to do about an error, if not to mend the file. */
  readonly next?: string | undefined
}

/** An empty text holds no names. @throws PgctlError `config-invalid`, with a place for each thing that is wrong. */
export function readDocument<T>(text: string, schema: z.ZodType<T>, reading: DocumentReading): T {
  const lines = new LineCounter()
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: areOneName }
  const document = parseDocument(text, options)
  const at = (offset: number, clause: string) => {
    const { line, col } = lines.linePos(offset)
    return `line ${line}, column ${col}: ${clause}`
  }
  const [wrong] = document.errors
  if (wrong !== undefined) throw refuse(reading, at(wrong.pos[0], describeSyntax(wrong, text)))
  const result = schema.safeParse(toValue(document, reading) ?? {})
  if (result.success) return result.data
  const clauses = result.error.issues.map((issue) =>
    at(placeOf(issue, document), describeIssues([issue], reading.known)),
  )
  throw refuse(reading, clauses.join('; '))
}

function refuse({ what, source, next }: DocumentReading, why: string): PgctlError {
  return new PgctlError('config-invalid', `cannot use ${what} ${source}`, {
    why,
    next: next ?? `mend ${source}`,
  })
}

/** Keys become names: the number 7 and the text "7" are one, of which the parser alone would lose the first. */
function areOneName(a: ParsedNode, b: ParsedNode): boolean {
  return isScalar(a) && isScalar(b) && String(a.value) === String(b.value)
}

function describeSyntax({ code, message, pos }: YAMLError, text: string): string {
  if (code !== 'DUPLICATE_KEY') return `it is no YAML: ${message.split('\n', 1)[0]}`
  const [, key = ''] = /^["']?([^"':\s]*)/.exec(text.slice(pos[0])) ?? []
  return `"${key}" stands there a second time`
}

/** An alias of nothing shows only when the value is made. */
function toValue(document: Document, reading: DocumentReading): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw refuse(reading, messageOf(error))
  }
}

/** Where an issue is written: at the key of its value, the unknown key itself, or the innermost place that is there. */
function placeOf(issue: z.core.$ZodIssue, document: Document): number {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  for (let path = [...issue.path, ...unknown]; path.length > 0; path = path.slice(0, -1)) {
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
    const last = path.at(-1)
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last))
      : undefined
    const node = (pair?.key ?? (isSeq(parent) ? parent.items[Number(last)] : undefined)) as Node | undefined
    if (node?.range) return node.range[0]
  }
  return 0
}
