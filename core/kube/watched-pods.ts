import type { Clock } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { KubeClient } from '#core/kube/client.ts'
import type { LogSelection } from '#core/kube/log-selection.ts'
import { type PodChange, watchPods } from '#core/kube/pod-watch.ts'
import type { ContainerSnapshot } from '#core/logs/pod.ts'
import { type LogSource, LogSources, type SourceChange } from '#core/logs/sources.ts'

/** The pods of one selection, and the changes that are still to come. */
interface Watched {
  readonly selection: LogSelection
  readonly sources: LogSources
  readonly changes: AsyncGenerator<PodChange>
}

/** Who is told what the cluster says. */
export interface PodNews {
  onChange(change: SourceChange): void
  /** The cluster cannot be asked for the moment. */
  onInterruption(why: string): void
}

/** The pods of all selections of a follow: what their containers are now, and what changes. */
export class WatchedPods {
  readonly #client: KubeClient
  readonly #clock: Clock
  readonly #chance: () => number
  readonly #signal: AbortSignal
  readonly #watched: Watched[] = []
  readonly #listeners = new Set<() => void>()

  constructor(client: KubeClient, clock: Clock, chance: () => number, signal: AbortSignal) {
    this.#client = client
    this.#clock = clock
    this.#chance = chance
    this.#signal = signal
  }

  /**
   * Looks all selections up. Answers what there is now.
   * @throws PgctlError `target-unknown` when there are containers, and none that is wanted: that would be silent for ever.
   */
  async lookUp(
    selections: readonly LogSelection[],
    wants: (container: string) => boolean,
  ): Promise<SourceChange[]> {
    const isOneOfNamespaces = new Set(selections.map(({ namespace }) => namespace)).size > 1
    const found = await Promise.all(
      selections.map((selection) => this.#lookUpOne(selection, isOneOfNamespaces, wants)),
    )
    const names = new Set(this.#watched.flatMap(({ sources }) => [...sources.containers]))
    if (names.size > 0 && ![...names].some(wants))
      throw new PgctlError('target-unknown', 'none of the pods has a container of such a name', {
        why: `there are ${[...names].sort().join(', ')}`,
        next: 'change --container or --exclude-container',
      })
    return found.flat()
  }

  /** Selections without a pod. */
  get empty(): LogSelection[] {
    return this.#watched.flatMap(({ selection, sources }) => (sources.pods === 0 ? [selection] : []))
  }

  /** The newest status of a source's container; undefined when its pod is gone. */
  statusOf(source: LogSource): ContainerSnapshot | undefined {
    for (const { sources } of this.#watched) {
      const container = sources.containerOf(source)
      if (container !== undefined) return container
    }
    return undefined
  }

  /** Calls `listener` after every change of any status, until the returned function is called. */
  onStatus(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Follows the changes of each selection: a promise for each, which settles only by the signal, or by failing. */
  follow(news: PodNews): Promise<void>[] {
    return this.#watched.map((watched) => this.#followOne(watched, news))
  }

  /** Nothing is watched any longer. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#watched.map(({ changes }) => changes.return(undefined)))
  }

  async #lookUpOne(
    selection: LogSelection,
    isOneOfNamespaces: boolean,
    wants: (container: string) => boolean,
  ): Promise<SourceChange[]> {
    const { namespace, service, serviceLabel, selector } = selection
    const changes = watchPods(this.#client, namespace, selector, this.#clock, this.#chance, this.#signal)
    const sources = new LogSources({
      namespace,
      isOneOfNamespaces,
      serviceOf: ({ labels }) => (serviceLabel === undefined ? service : (labels[serviceLabel] ?? service)),
      wants,
    })
    this.#watched.push({ selection, sources, changes })
    const { value } = await changes.next()
    return value?.kind === 'all' ? sources.replace(value.pods) : []
  }

  async #followOne({ sources, changes }: Watched, news: PodNews): Promise<void> {
    for await (const change of changes) {
      const told = applyChange(sources, change)
      for (const listener of [...this.#listeners]) listener()
      if (change.kind === 'interrupted') news.onInterruption(change.why)
      for (const item of told) news.onChange(item)
    }
  }
}

function applyChange(sources: LogSources, change: PodChange): SourceChange[] {
  switch (change.kind) {
    case 'all':
      return sources.replace(change.pods)
    case 'set':
      return sources.update(change.pod)
    case 'deleted':
      return sources.remove(change.pod.uid)
    case 'interrupted':
      return []
  }
}
