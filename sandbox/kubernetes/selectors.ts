/** Label and field selectors of list and watch. */

import type { KubeObject } from './objects.ts'
import { badRequest } from './status.ts'

export type Predicate = (object: KubeObject) => boolean

/** Reads `labelSelector` and `fieldSelector` of a query. Throws a 400 for what does not parse. */
export function predicateOf(query: URLSearchParams): Predicate | undefined {
  const tests = [
    ...labelTests(query.get('labelSelector') ?? ''),
    ...fieldTests(query.get('fieldSelector') ?? ''),
  ]
  return tests.length === 0 ? undefined : (object) => tests.every((test) => test(object))
}

const KEY = '[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?'
const SET = new RegExp(`^(?<key>${KEY})\\s+(?<negated>not)?in\\s*\\((?<values>[^)]*)\\)$`)
const EQUAL = new RegExp(`^(?<key>${KEY})\\s*(?<operator>!=|==?)\\s*(?<value>[A-Za-z0-9._-]*)$`)
const EXISTS = new RegExp(`^(?<absent>!)?\\s*(?<key>${KEY})$`)

function labelTests(selector: string): Predicate[] {
  return splitOutsideParentheses(selector).map((text) => {
    const test = setTest(text) ?? equalityTest(text) ?? existenceTest(text)
    if (test === undefined) throw badRequest(`unable to parse requirement: found '${text}'`)
    return test
  })
}

function setTest(text: string): Predicate | undefined {
  const groups = SET.exec(text)?.groups
  if (groups === undefined) return undefined
  const { key = '', negated, values = '' } = groups
  const among = new Set(values.split(',').map((value) => value.trim()))
  return (object) => among.has(object.metadata.labels?.[key] ?? '\0') === (negated === undefined)
}

function equalityTest(text: string): Predicate | undefined {
  const groups = EQUAL.exec(text)?.groups
  if (groups === undefined) return undefined
  const { key = '', operator, value } = groups
  return (object) => (object.metadata.labels?.[key] === value) === (operator !== '!=')
}

function existenceTest(text: string): Predicate | undefined {
  const groups = EXISTS.exec(text)?.groups
  if (groups === undefined) return undefined
  const { key = '', absent } = groups
  return (object) => (object.metadata.labels?.[key] !== undefined) === (absent === undefined)
}

function splitOutsideParentheses(selector: string): string[] {
  return selector
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** The fields that the API server can select by, of the kinds that the sandbox has. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec.nodeName', 'spec.restartPolicy', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
  Service: ['spec.clusterIP', 'spec.type'],
  Namespace: ['status.phase'],
  Event: [
    'involvedObject.kind',
    'involvedObject.name',
    'involvedObject.namespace',
    'involvedObject.uid',
    'reason',
    'type',
  ],
}

function fieldTests(selector: string): Predicate[] {
  return selector
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const { path, operator, value } =
        /^(?<path>[^=!]+)(?<operator>!=|==?)(?<value>.*)$/.exec(part)?.groups ?? {}
      if (path === undefined) throw badRequest(`invalid field selector "${part}"; can't understand '${part}'`)
      return (object: KubeObject) => (fieldOf(object, path) === value) === (operator !== '!=')
    })
}

function fieldOf(object: KubeObject, path: string): string {
  const known =
    path === 'metadata.name' || path === 'metadata.namespace' || FIELDS[object.kind]?.includes(path)
  if (!known) throw badRequest(`field label not supported: ${path}`)
  let value: unknown = object
  for (const key of path.split('.'))
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
  return typeof value === 'string' ? value : ''
}
