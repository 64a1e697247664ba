import { PgctlError } from '#core/errors.ts'
import { textOf } from '#core/ssm/bytes.ts'

/*
 * Reading JSON that a peer wrote. `what` names the payload in the error, which is PgctlError `protocol-violation`.
 */

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function violation(what: string, fault: string): PgctlError {
  return new PgctlError('protocol-violation', `the session's ${what} ${fault}`, {
    next: 'run the command again; if it fails so again, report it with the version of the agent (pgctl status, or aws ssm describe-instance-information)',
  })
}

export function jsonOf(what: string, payload: Uint8Array): JsonObject {
  const text = textOf(payload)
  if (text === undefined) throw violation(what, 'is no UTF-8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw violation(what, 'is no JSON')
  }
  if (!isObject(value)) throw violation(what, 'is no JSON object')
  return value
}

export function textField(what: string, object: JsonObject, name: string): string {
  const value = object[name]
  if (typeof value !== 'string') throw violation(what, `has no text ${name}`)
  return value
}

export function countField(what: string, object: JsonObject, name: string): number {
  const value = object[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw violation(what, `has no count ${name}`)
  return value as number
}

export function listField(what: string, object: JsonObject, name: string): readonly JsonObject[] {
  const value = object[name]
  if (!Array.isArray(value) || !value.every(isObject)) throw violation(what, `has no list ${name}`)
  return value
}
