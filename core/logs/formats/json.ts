import { parseFlatJson } from '#core/logs/formats/flat-json.ts'
import { isObject, JsonRecord, roleOf, show } from '#core/logs/formats/json-record.ts'
import type { LogRecord } from '#core/logs/record.ts'

/** One JSON object on a line; undefined for anything else. */
export function parseJson(text: string): LogRecord | undefined {
  return parseFlatJson(text) ?? parseAnyJson(text)
}

/** The same, whatever it is like. */
export function parseAnyJson(text: string): LogRecord | undefined {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(document)) return undefined
  const record = new JsonRecord()
  // JSON gives objects without a prototype's names, and this is asked of every line.
  for (const name in document) {
    const value = document[name]
    const role = roleOf(name)
    if (typeof value === 'string') record.addText(name, role, value)
    else if (isObject(value)) record.addObject(name, role, value)
    else record.addScalar(name, role, show(value), typeof value === 'number' ? value : undefined)
  }
  return record.finish()
}
