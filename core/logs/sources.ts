import type { EndedRun, PodSnapshot } from '#core/logs/pod.ts'
import { type ContainerSnapshot, readableRun } from '#core/logs/pod.ts'

/** One run of one container: what one log is of. */
export interface LogSource {
  readonly service: string
  readonly namespace: string
  /** Whether other namespaces are read too, so that the pod's name alone does not tell which it is. */
  readonly oneOfNamespaces: boolean
  readonly pod: string
  readonly podUid: string
  readonly container: string
  /** Whether the pod has other containers, so that its name alone does not tell which it is. */
  readonly oneOfSeveral: boolean
  readonly run: string
  readonly restarts: number
}

/** What a change of the cluster means for the logs of a service. */
export type SourceChange =
  /** A log can be read. `replaces` is the run before it, which has ended, when that one was followed too. */
  | { readonly kind: 'joined'; readonly source: LogSource; readonly replaces: EndedRun | undefined }
  /** Nothing can be read yet, and why; told once for each reason. */
  | {
      readonly kind: 'waiting'
      readonly namespace: string
      readonly service: string
      readonly pod: string
      readonly why: string
    }
  /** The pod is gone, and so is its log. */
  | {
      readonly kind: 'left'
      readonly namespace: string
      readonly service: string
      readonly pod: string
      readonly podUid: string
    }

interface KnownPod {
  readonly snapshot: PodSnapshot
  /** The newest run of each container that has joined. */
  readonly runs: Map<string, string>
  waiting: string | undefined
}

/** Whose logs a set is of. */
export interface SourceScope {
  readonly namespace: string
  /** Whether other namespaces are read too. */
  readonly isOneOfNamespaces: boolean
  serviceOf(pod: PodSnapshot): string
  /** Whether containers of that name are wanted. */
  wants(container: string): boolean
}

/**
 * The living set of logs of one service: pods come and go, containers wait, start and restart. Takes what the
 * cluster says, however often it repeats itself, and tells what is new about it.
 */
export class LogSources {
  readonly #scope: SourceScope
  readonly #pods = new Map<string, KnownPod>()

  constructor(scope: SourceScope) {
    this.#scope = scope
  }

  /** All pods, as of now: those that are not among them are gone. */
  replace(pods: readonly PodSnapshot[]): SourceChange[] {
    const present = new Set(pods.map((pod) => pod.uid))
    const gone = [...this.#pods.keys()].filter((uid) => !present.has(uid))
    return [...gone.flatMap((uid) => this.remove(uid)), ...pods.flatMap((pod) => this.update(pod))]
  }

  /** A pod was added or has changed. */
  update(snapshot: PodSnapshot): SourceChange[] {
    const before = this.#pods.get(snapshot.uid)
    const pod: KnownPod = { snapshot, runs: before?.runs ?? new Map(), waiting: before?.waiting }
    this.#pods.set(snapshot.uid, pod)
    const joined = this.#wanted(snapshot).flatMap((container) => this.#join(pod, container))
    return [...joined, ...this.#wait(pod)]
  }

  /** A pod was deleted. */
  remove(uid: string): SourceChange[] {
    const pod = this.#pods.get(uid)
    if (pod === undefined) return []
    this.#pods.delete(uid)
    return [{ kind: 'left', ...this.#nameOf(pod.snapshot), podUid: uid }]
  }

  /** The newest status of a source's container; undefined when its pod is gone. */
  containerOf({ podUid, container }: LogSource): ContainerSnapshot | undefined {
    return this.#pods.get(podUid)?.snapshot.containers.find(({ name }) => name === container)
  }

  get pods(): number {
    return this.#pods.size
  }

  /** The names of all containers of the pods, wanted or not. */
  get containers(): ReadonlySet<string> {
    const snapshots = [...this.#pods.values()].map(({ snapshot }) => snapshot)
    return new Set(snapshots.flatMap(({ containers }) => containers.map(({ name }) => name)))
  }

  #nameOf(pod: PodSnapshot): { readonly namespace: string; readonly service: string; readonly pod: string } {
    return { namespace: this.#scope.namespace, service: this.#scope.serviceOf(pod), pod: pod.name }
  }

  #wanted({ containers }: PodSnapshot): readonly ContainerSnapshot[] {
    return containers.filter(({ name }) => this.#scope.wants(name))
  }

  #join(pod: KnownPod, container: ContainerSnapshot): SourceChange[] {
    const readable = readableRun(container)
    const known = pod.runs.get(container.name)
    if (readable === undefined || readable.run === known) return []
    pod.runs.set(container.name, readable.run)
    const { uid, containers } = pod.snapshot
    const source: LogSource = {
      ...this.#nameOf(pod.snapshot),
      oneOfNamespaces: this.#scope.isOneOfNamespaces,
      podUid: uid,
      container: container.name,
      oneOfSeveral: containers.length > 1,
      run: readable.run,
      restarts: container.restarts,
    }
    return [{ kind: 'joined', source, replaces: known === undefined ? undefined : container.previous }]
  }

  /** A reason is told again only after something else was the case in between. */
  #wait(pod: KnownPod): SourceChange[] {
    const why = waitingReason(pod.snapshot, this.#wanted(pod.snapshot))
    if (why === pod.waiting) return []
    pod.waiting = why
    return why === undefined ? [] : [{ kind: 'waiting', ...this.#nameOf(pod.snapshot), why }]
  }
}

/** Why nothing new comes from a pod, in the cluster's words; undefined while some container runs or all have ended. */
function waitingReason(
  { trouble, containers }: PodSnapshot,
  wanted: readonly ContainerSnapshot[],
): string | undefined {
  if (wanted.some(({ state }) => state.kind === 'running')) return undefined
  if (trouble !== undefined) return trouble
  for (const { name, state } of wanted)
    if (state.kind === 'waiting') return containers.length > 1 ? `${name}: ${state.why}` : state.why
  return undefined
}
