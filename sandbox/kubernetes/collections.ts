/** `get` and `list`: one object, or many in pages that belong to one moment. */

import type { Collection } from './discovery.ts'
import type { ObjectStore } from './object-store.ts'
import type { KubeObject } from './objects.ts'
import type { Attributes } from './request-info.ts'
import { predicateOf } from './selectors.ts'
import { badRequest, expiredContinue, notFound, versionAhead } from './status.ts'

/** The object that was asked for by name. Throws a 404 when there is none. */
export function getObject(store: ObjectStore, collection: Collection, asked: Attributes): KubeObject {
  const namespace = asked.resource === 'namespaces' ? undefined : asked.namespace
  const object = store.get(collection.key, namespace, asked.name ?? '')
  if (object === undefined) throw notFound(asked.resource ?? '', asked.name ?? '', asked.group)
  return object
}

interface ContinueToken {
  readonly version: number
  /** The key of the last object of the page before. */
  readonly after: string
}

const MOMENTS_KEPT = 32

/** Lists a store's objects. Keeps the moments that pages still out there belong to. */
export class Lists {
  readonly #store: ObjectStore
  readonly #moments = new Map<string, readonly KubeObject[]>()

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** The list that a query asks for. Throws a 410 for a page whose moment is forgotten. */
  list(collection: Collection, namespace: string | undefined, query: URLSearchParams) {
    const limit = wholeNumber(query, 'limit') ?? 0
    const asked = wholeNumber(query, 'resourceVersion') ?? 0
    if (asked > this.#store.version) throw versionAhead(asked, this.#store.version)
    const predicate = predicateOf(query)

    const text = query.get('continue') ?? ''
    const token = text === '' ? undefined : parseContinue(text)
    const { version, objects } = this.#moment(collection, namespace, token)
    const rest = token === undefined ? objects : objects.filter((object) => keyOf(object) > token.after)
    const matching = predicate === undefined ? rest : rest.filter(predicate)
    const page = limit > 0 ? matching.slice(0, limit) : matching
    const last = page.at(-1)
    const more = matching.length - page.length
    if (more > 0) this.#keep(momentKey(collection, namespace, version), objects)
    return {
      kind: `${collection.kind}List`,
      apiVersion: collection.apiVersion,
      metadata: {
        resourceVersion: String(version),
        ...(more > 0 && last && { continue: continueOf({ version, after: keyOf(last) }) }),
        // With a selector, the API server would have to look at what it has not read yet.
        ...(more > 0 && predicate === undefined && { remainingItemCount: more }),
      },
      items: page.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item),
    }
  }

  #moment(collection: Collection, namespace: string | undefined, token: ContinueToken | undefined) {
    const now = { version: this.#store.version, objects: this.#store.list(collection.key, namespace) }
    if (token === undefined || token.version < 0) return now
    const objects = this.#moments.get(momentKey(collection, namespace, token.version))
    if (objects !== undefined && this.#store.remembers(token.version))
      return { version: token.version, objects }
    throw expiredContinue(continueOf({ ...token, version: -1 }))
  }

  #keep(key: string, objects: readonly KubeObject[]): void {
    this.#moments.set(key, objects)
    const [oldest] = this.#moments.keys()
    if (this.#moments.size > MOMENTS_KEPT && oldest !== undefined) this.#moments.delete(oldest)
  }
}

function momentKey(collection: Collection, namespace: string | undefined, version: number): string {
  return `${collection.key} ${namespace ?? ''} ${version}`
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`
}

function continueOf(token: ContinueToken): string {
  const body = { v: 'meta.k8s.io/v1', rv: token.version, start: `${token.after}\0` }
  return Buffer.from(JSON.stringify(body)).toString('base64url')
}

function parseContinue(text: string): ContinueToken {
  try {
    const body = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (typeof body.rv === 'number' && typeof body.start === 'string')
      return { version: body.rv, after: body.start.replace(/\0$/, '') }
  } catch {
    // Told below, as for a token that is JSON but no token.
  }
  throw badRequest('continue key is not valid')
}

/** A whole number of the query, 0 or more; undefined when it is absent or empty. Throws a 400 for anything else. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? ''
  if (text === '') return undefined
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`invalid ${name} "${text}": strconv.ParseInt: invalid syntax`)
  return Number(text)
}
