import { isNode, LineCounter, parseDocument } from 'yaml'
import type * as z from 'zod'
import { messageOf, PgctlError } from '#core/errors.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'

/** A document that people edit, JSON or YAML, and errors that name the line. */

interface Reading {
  /** Names the file in errors. */
  readonly source: string
  /** What the file is, as "the image's lock". */
  readonly what: string
  /** The keys that there are, of which a wrong one may be a misspelling. */
  readonly known: readonly string[]
}

/** @throws PgctlError `config-invalid`, with a line for each thing that is wrong. */
export function readDocument<T>(text: string, schema: z.ZodType<T>, reading: Reading): T {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [wrong] = document.errors
  if (wrong !== undefined)
    throw refuse(reading, `line ${lines.linePos(wrong.pos[0]).line}: ${wrong.message.split('\n', 1)[0]}`)
  const result = schema.safeParse(toValue(document, reading))
  if (result.success) return result.data
  const clauses = result.error.issues.map((issue) => {
    const place = nearestPlace(document, issue)
    const clause = describeIssues([issue], reading.known)
    return place === undefined ? clause : `line ${lines.linePos(place).line}: ${clause}`
  })
  throw refuse(reading, clauses.join('\n  '))
}

const refuse = ({ what, source }: Reading, why: string) =>
  new PgctlError('config-invalid', `cannot use ${what} ${source}`, { why, next: `mend ${source}` })

/** An alias of nothing shows only when the value is made. */
function toValue(document: ReturnType<typeof parseDocument>, reading: Reading): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw refuse(reading, messageOf(error))
  }
}

/** Where in the text an issue is: the unknown key itself, or the innermost value on the issue's path that is there. */
function nearestPlace(
  document: ReturnType<typeof parseDocument>,
  issue: z.core.$ZodIssue,
): number | undefined {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return undefined
}
