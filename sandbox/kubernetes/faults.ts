/**
 * The ways in which clusters and the paths to them misbehave, on demand. Every fault takes at most one object of
 * plain data, so that a test can call it and an administration endpoint can pass it on.
 */

import type { WorldService } from '#sandbox/world.ts'
import type { Cluster, Ending, NewContainer } from './cluster.ts'
import type { LogStream } from './log-endpoint.ts'
import type { OpenWatch } from './watch.ts'

/** An answer that the next fitting request gets in place of its own. */
export interface Failure {
  readonly status: 401 | 429 | 500 | 503
  /** Only requests whose path holds this. */
  readonly path?: string
  /** Seconds, told in Retry-After with a 429 or 503; 1 unless told otherwise. */
  readonly retryAfter?: number
  /** How many requests; one unless told otherwise. */
  readonly times?: number
}

/** How a container's runtime writes a line that is too long for it. */
export interface LineSplit {
  /** Bytes of a piece. */
  readonly at: number
  /** Which pieces the kubelet prints with a stamp. */
  readonly stamps: 'each' | 'first'
}

export interface OnPod {
  readonly pod: string
}

/** Which of the open streams: those of one pod, or all. */
export type WhichStreams = Partial<OnPod>

export interface KubernetesFaults {
  /** Fails the next requests. */
  failNext(failure: Failure): void
  /** Breaks follows in the middle of their next line. Answers how many, as the next two do. */
  cutFollows(which?: WhichStreams): number
  /** Ends follows properly while their containers go on. */
  endFollows(which?: WhichStreams): number
  /** Leaves follows open, and sends nothing on them any more. */
  stallFollows(which?: WhichStreams): number
  /** Ends watches as their time being up does. */
  endWatches(): number
  /** Forgets the past: resuming watches and half-read lists get a 410. */
  compact(): void
  /** Takes all but the newest `keep` lines of a container's log away, of the run of now or of the one before. */
  rotateLog(which: OnPod & { readonly keep?: number; readonly run?: 'run' | 'previous' }): void
  /** Throws the log of the run before away, though the status still tells of it. */
  loseLog(which: OnPod): void
  /** Gives long lines from now on as runtimes do that split them: a stamp at each seam, or at the first only. */
  splitLines(how: LineSplit): void
  /** Writes a line of one's own into a container's log. */
  writeLog(what: OnPod & { readonly lines: readonly string[] }): void
  restartContainer(what: OnPod & Ending): void
  /** Ends a container for good, or until `startContainer`; `waiting` as CrashLoopBackOff. */
  stopContainer(what: OnPod & Ending & { readonly waiting?: string }): void
  startContainer(which: OnPod): void
  /** Adds a pod, whose container waits when `waiting` says why. Answers the pod's name. */
  createPod(what: {
    readonly service: WorldService
    readonly waiting?: string
    readonly others?: readonly NewContainer[]
  }): string
  deletePod(which: OnPod): void
}

/** What is open at the moment, and what is to fail next; the server's side of the faults. */
export class Disturbances {
  readonly follows = new Set<LogStream>()
  readonly watches = new Set<OpenWatch>()
  split: LineSplit | undefined
  #failures: { failure: Failure; left: number }[] = []

  failNext(failure: Failure): void {
    this.#failures.push({ failure, left: failure.times ?? 1 })
  }

  /** The failure that a request to `path` gets, which is spent by asking. */
  takeFailure(path: string): Failure | undefined {
    const entry = this.#failures.find(({ failure }) => path.includes(failure.path ?? ''))
    if (entry === undefined) return undefined
    entry.left -= 1
    if (entry.left === 0) this.#failures = this.#failures.filter((other) => other !== entry)
    return entry.failure
  }
}

/** The faults of one cluster. */
export function faultsOf(cluster: Cluster, disturbances: Disturbances): KubernetesFaults {
  const eachFollow = (which: WhichStreams = {}, action: (stream: LogStream) => void) => {
    const streams = [...disturbances.follows].filter(
      (stream) => which.pod === undefined || stream.pod === which.pod,
    )
    streams.forEach(action)
    return streams.length
  }
  return {
    failNext: (failure) => disturbances.failNext(failure),
    cutFollows: (which) => eachFollow(which, (stream) => stream.cutInNextLine()),
    endFollows: (which) => eachFollow(which, (stream) => stream.end()),
    stallFollows: (which) => eachFollow(which, (stream) => stream.stall()),
    endWatches() {
      const watches = [...disturbances.watches]
      for (const watch of watches) watch.end()
      return watches.length
    },
    compact: () => cluster.objects.compact(),
    rotateLog({ pod, keep = 0, run = 'run' }) {
      const log = cluster.pod(pod)?.[run]?.log
      if (log === undefined) throw new Error(`there is no log of ${pod}`)
      log.rotate(keep)
    },
    loseLog({ pod }) {
      const previous = cluster.pod(pod)?.previous
      if (previous === undefined) throw new Error(`${pod} has no run before`)
      previous.isLost = true
    },
    splitLines(how) {
      disturbances.split = how
    },
    writeLog: ({ pod, lines }) => cluster.writeLog(pod, lines),
    restartContainer: ({ pod, ...ending }) => cluster.restartContainer(pod, ending),
    stopContainer: ({ pod, waiting, ...ending }) => cluster.stopContainer(pod, ending, waiting),
    startContainer: ({ pod }) => cluster.startContainer(pod),
    createPod({ service, waiting, others = [] }) {
      if (!cluster.services().includes(service)) throw new Error(`there is no service ${service}`)
      return cluster.createPod(service, { others, ...(waiting === undefined ? {} : { waiting }) })
    },
    deletePod: ({ pod }) => cluster.deletePod(pod),
  }
}
