/**
 * The cluster's memory: objects by resource, one version number over all of them, and the changes since some
 * version, which is what a watch resumes from and a compaction takes away.
 */

import type { Draft, KubeObject } from './objects.ts'
import { expiredVersion } from './status.ts'

/** The plural name of a resource with its group, as `pods` or `endpointslices.discovery.k8s.io`. */
export type ResourceKey = string

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly resource: ResourceKey
  readonly object: KubeObject
  /** What the object was before; absent when it was created. */
  readonly before?: KubeObject
}

const FIRST_VERSION = 184_200
const CHANGES_KEPT = 10_000

export class ObjectStore {
  #version = FIRST_VERSION
  #oldest = FIRST_VERSION
  readonly #resources = new Map<ResourceKey, Map<string, KubeObject>>()
  #changes: Change[] = []
  readonly #listeners = new Set<(change: Change) => void>()

  get version(): number {
    return this.#version
  }

  /** Creates or replaces an object, and gives it the next version. */
  put(resource: ResourceKey, draft: Draft): KubeObject {
    const object = {
      ...draft,
      metadata: { ...draft.metadata, resourceVersion: String(this.#version + 1) },
    } as KubeObject
    const known = this.#known(resource)
    const key = keyOf(object.metadata.namespace, object.metadata.name)
    const before = known.get(key)
    known.set(key, object)
    this.#publish(resource, object, before, before === undefined ? 'ADDED' : 'MODIFIED')
    return object
  }

  /** Removes an object; false when there was none. */
  delete(resource: ResourceKey, namespace: string | undefined, name: string): boolean {
    const known = this.#known(resource)
    const key = keyOf(namespace, name)
    const before = known.get(key)
    if (before === undefined) return false
    known.delete(key)
    const metadata = { ...before.metadata, resourceVersion: String(this.#version + 1) }
    this.#publish(resource, { ...before, metadata }, before, 'DELETED')
    return true
  }

  get(resource: ResourceKey, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#known(resource).get(keyOf(namespace, name))
  }

  /** The objects of a resource in the order of their names, of one namespace or of all. */
  list(resource: ResourceKey, namespace: string | undefined): KubeObject[] {
    return [...this.#known(resource).entries()]
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object)
  }

  /**
   * Tells `listener` every change after `version`, the past ones before this returns. Throws a 410 when changes
   * after that version have been compacted away. The returned function ends it.
   */
  watch(version: number, listener: (change: Change) => void): () => void {
    if (version < this.#oldest) throw expiredVersion(version, this.#oldest)
    for (const change of this.#changes) if (change.version > version) listener(change)
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether a list of `version` can still be told apart from the present one. */
  remembers(version: number): boolean {
    return version >= this.#oldest
  }

  /** Forgets the past: whoever resumes from an earlier version is told that it is gone. */
  compact(): void {
    this.#changes = []
    this.#version += 1
    this.#oldest = this.#version
  }

  #known(resource: ResourceKey): Map<string, KubeObject> {
    let known = this.#resources.get(resource)
    if (known === undefined) {
      known = new Map()
      this.#resources.set(resource, known)
    }
    return known
  }

  #publish(
    resource: ResourceKey,
    object: KubeObject,
    before: KubeObject | undefined,
    type: Change['type'],
  ): void {
    this.#version += 1
    const change = { type, version: this.#version, resource, object, ...(before && { before }) }
    this.#changes.push(change)
    if (this.#changes.length > CHANGES_KEPT) {
      this.#changes = this.#changes.slice(CHANGES_KEPT / 2)
      this.#oldest = (this.#changes[0]?.version ?? this.#version) - 1
    }
    for (const listener of [...this.#listeners]) listener(change)
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`
}
