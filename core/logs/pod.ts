/** What the deciders of this folder need to know of a pod, at one moment. */
export interface PodSnapshot {
  /** Differs between two pods of one name. */
  readonly uid: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Why the pod as a whole does not run, in the cluster's words: `Unschedulable: 0/3 nodes…`, `Evicted`. */
  readonly trouble: string | undefined
  /** In the order in which they start: init containers, sidecars, the others, and those that were added by hand. */
  readonly containers: readonly ContainerSnapshot[]
}

export interface ContainerSnapshot {
  readonly name: string
  readonly restarts: number
  readonly state: ContainerState
  /** The run before the current one, when it is remembered. */
  readonly previous: EndedRun | undefined
}

export type ContainerState =
  /** Not started, or between two runs; `why` is the cluster's word, as `ImagePullBackOff`. */
  | { readonly kind: 'waiting'; readonly why: string }
  | { readonly kind: 'running'; readonly run: string }
  | ({ readonly kind: 'ended' } & EndedRun)

/** A run of a container that is over. */
export interface EndedRun {
  /** The runtime's id of the run; each restart has another one. */
  readonly run: string
  readonly exitCode: number
  /** `Completed`, `Error`, `OOMKilled`… */
  readonly reason: string
  /** RFC 3339, in whole seconds; undefined where the cluster does not know. */
  readonly endedAt?: string | undefined
}

/** A run whose log can be read; `over` when it is. */
export interface ReadableRun {
  readonly run: string
  readonly over: EndedRun | undefined
}

/** The run whose log the cluster gives for this container now; undefined when it has none. */
export function readableRun(container: ContainerSnapshot): ReadableRun | undefined {
  const { state, previous } = container
  switch (state.kind) {
    case 'running':
      return { run: state.run, over: undefined }
    case 'ended':
      return { run: state.run, over: state }
    // Between two runs (a back-off after a crash) the log is the last run's.
    case 'waiting':
      return previous && { run: previous.run, over: previous }
  }
}
