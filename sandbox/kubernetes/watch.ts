/** `watch`: what is there, then every change, one JSON document a line, until the time is up. */

import type { ServerResponse } from 'node:http'
import type { Clock, Ms } from '#core/clock.ts'
import { wholeNumber } from './collections.ts'
import type { Collection } from './discovery.ts'
import type { Change, ObjectStore } from './object-store.ts'
import type { KubeObject } from './objects.ts'
import { isTrue } from './request-info.ts'
import { type Predicate, predicateOf } from './selectors.ts'
import { ApiFailure } from './status.ts'

const BOOKMARK_INTERVAL: Ms = 60_000
/** How long the API server lets a watch run that names no time itself. */
const DEFAULT_TIMEOUT: Ms = 45 * 60_000
/** A reader that is so far behind is let go, and resumes from its last version. */
const BUFFER_LIMIT = 8 * 1024 * 1024

export interface WatchRequest {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly collection: Collection
  readonly namespace: string | undefined
  readonly query: URLSearchParams
}

/** A watch that is being served. */
export interface OpenWatch {
  /** Ends it as the API server does when its time is up. */
  end(): void
}

/** Serves a watch on `response`; `closed` is called once, when it is over. Throws a 400 for a bad query. */
export function serveWatch(request: WatchRequest, response: ServerResponse, closed: () => void): OpenWatch {
  const { store, clock, collection, namespace, query } = request
  const timeout = wholeNumber(query, 'timeoutSeconds')
  const from = wholeNumber(query, 'resourceVersion')
  const initialEvents = query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : !from
  const bookmarks = isTrue(query.get('allowWatchBookmarks'))
  const predicate = predicateOf(query)
  const within = (object: KubeObject) => namespace === undefined || object.metadata.namespace === namespace

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  const send = (type: string, object: unknown) => {
    // A change between the end and the close belongs to the watch that resumes.
    if (response.writableEnded) return
    response.write(`${JSON.stringify({ type, object })}\n`)
    if (response.writableLength > BUFFER_LIMIT) response.destroy()
  }
  const sendBookmark = (annotations?: Record<string, string>) =>
    send('BOOKMARK', {
      kind: collection.kind,
      apiVersion: collection.apiVersion,
      metadata: {
        resourceVersion: String(store.version),
        creationTimestamp: null,
        ...(annotations && { annotations }),
      },
    })

  if (initialEvents) {
    for (const object of store.list(collection.key, namespace))
      if (matches(object, predicate)) send('ADDED', object)
    if (bookmarks && query.has('sendInitialEvents')) sendBookmark({ 'k8s.io/initial-events-end': 'true' })
  }
  const cancels: (() => void)[] = []
  response.once('close', () => {
    for (const cancel of cancels) cancel()
    closed()
  })
  try {
    cancels.push(
      store.watch(initialEvents ? store.version : (from ?? store.version), (change) => {
        if (change.resource !== collection.key || !within(change.object)) return
        const seen = seenThrough(change, predicate)
        if (seen) send(seen, change.object)
      }),
    )
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    // The answer has begun, so what is wrong with the version comes as an event.
    send('ERROR', error.body)
    response.end()
    return { end() {} }
  }
  const end = () => {
    if (bookmarks) sendBookmark()
    response.end()
  }
  cancels.push(clock.after(timeout ? timeout * 1000 : DEFAULT_TIMEOUT, end))
  if (bookmarks) cancels.push(repeat(clock, BOOKMARK_INTERVAL, sendBookmark))
  return { end }
}

function matches(object: KubeObject, predicate: Predicate | undefined): boolean {
  return predicate === undefined || predicate(object)
}

/** What a change is to somebody who only sees what a selector lets through; undefined when it is nothing. */
function seenThrough(change: Change, predicate: Predicate | undefined): Change['type'] | undefined {
  const before = change.before !== undefined && matches(change.before, predicate)
  const after = change.type !== 'DELETED' && matches(change.object, predicate)
  if (before) return after ? 'MODIFIED' : 'DELETED'
  return after ? 'ADDED' : undefined
}

function repeat(clock: Clock, interval: Ms, action: () => void): () => void {
  let cancel = clock.after(interval, function again() {
    action()
    cancel = clock.after(interval, again)
  })
  return () => cancel()
}
