/** What the stub answers to a request, before it is known how the answer travels. */

import { getObject, Lists, wholeNumber } from '#sandbox/kubernetes/collections.ts'
import { type Collection, collectionOf, discoveryOf } from '#sandbox/kubernetes/discovery.ts'
import { attributesOf, isTrue } from '#sandbox/kubernetes/request-info.ts'
import { badRequest, methodNotAllowed, unknownResource } from '#sandbox/kubernetes/status.ts'
import type { LogReading } from './log-reading.ts'
import type { LogQuery, StubWorld } from './world.ts'

export type Answer =
  | { readonly kind: 'document'; readonly body: object | string }
  | { readonly kind: 'watch'; readonly collection: Collection; readonly namespace: string | undefined }
  | { readonly kind: 'log'; readonly reading: LogReading }

/** The read side of a Kubernetes API over a {@link StubWorld}, of the sandbox's own parts. */
export class StubApi {
  readonly #world: StubWorld
  readonly #lists: Lists

  constructor(world: StubWorld) {
    this.#world = world
    this.#lists = new Lists(world.objects)
  }

  /** `now` is the wall's time in milliseconds. Throws an `ApiFailure`. */
  answer(method: string, url: URL, token: string | undefined, now: number): Answer {
    const {
      path,
      verb,
      group,
      version,
      resource,
      subresource,
      namespace,
      name = '',
    } = attributesOf(method, url)
    const query = url.searchParams
    // A refused follow counts as well: nobody shall wait for a reader that gives up.
    if (subresource === 'log' && isTrue(query.get('follow'))) this.#world.noteFollow(name)
    this.#world.admit(token)
    if (resource === undefined) return { kind: 'document', body: discovery(path) }
    const collection = collectionOf(group, version, resource)
    if (collection === undefined) throw unknownResource()
    if (subresource !== undefined) {
      if (subresource !== 'log' || resource !== 'pods') throw unknownResource()
      return { kind: 'log', reading: this.#world.openLog(name, logQueryOf(query, now)) }
    }
    const within = resource === 'namespaces' ? undefined : namespace
    if (verb === 'watch') return { kind: 'watch', collection, namespace: within }
    const { objects } = this.#world
    if (verb === 'list') return { kind: 'document', body: this.#lists.list(collection, within, query) }
    if (verb !== 'get') throw methodNotAllowed()
    return { kind: 'document', body: getObject(objects, collection, attributesOf(method, url)) }
  }
}

/** The version of Kubernetes that it says it is. */
const VERSION = '1.35'

function discovery(path: string): object | string {
  const found = discoveryOf(path, VERSION)
  if (found === undefined) throw unknownResource()
  return found
}

function logQueryOf(query: URLSearchParams, now: number): LogQuery {
  const sinceSeconds = wholeNumber(query, 'sinceSeconds')
  const sinceTime = query.get('sinceTime') || undefined
  return {
    container: query.get('container') || undefined,
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    tailLines: wholeNumber(query, 'tailLines'),
    sinceSecond:
      sinceTime !== undefined
        ? wholeSecondOf(sinceTime)
        : sinceSeconds === undefined
          ? undefined
          : Math.floor(now / 1000) - sinceSeconds,
  }
}

/** The API server hands the kubelet whole seconds: earlier lines of that second come as well. */
function wholeSecondOf(time: string): number {
  const wall = Date.parse(time)
  if (Number.isNaN(wall)) throw badRequest(`parsing time "${time}": cannot parse`)
  return Math.floor(wall / 1000)
}
