/** The stub's cluster: pods, their files and states, and what happens when. No sockets; time comes from a clock. */

import type { Clock, Ms } from '#core/clock.ts'
import { ObjectStore } from '#sandbox/kubernetes/object-store.ts'
import { namespaceObject } from '#sandbox/kubernetes/objects.ts'
import { ApiFailure, badRequest, notFound, unauthorized } from '#sandbox/kubernetes/status.ts'
import { LogReading, type ReadingOptions, RunFile } from './log-reading.ts'
import type { CallFaultKind, PodPlan, WorldPlan } from './plan.ts'
import { type PodState, STUB_CONTAINER, STUB_NAMESPACE, stubPod, stubService } from './pod-object.ts'

/** Pods whose logs nobody asks to follow keep the others waiting no longer than this. */
const PATIENCE: Ms = 5_000
/** So often lines are written that come at a pace. */
const TICK: Ms = 20

interface StubPod {
  readonly plan: PodPlan
  readonly files: RunFile[]
  state: PodState
  followed: boolean
  /** Lines that are due, where they come at a pace; the part of one that is not yet. */
  due: number
}

export interface LogQuery extends ReadingOptions {
  readonly container: string | undefined
  readonly previous: boolean
}

export class StubWorld {
  readonly objects = new ObjectStore()
  readonly #plan: WorldPlan
  readonly #clock: Clock
  readonly #onToken: (token: string) => void
  readonly #created: Ms
  readonly #pods = new Map<string, StubPod>()
  readonly #cancels: (() => void)[] = []
  readonly #endWatches = new Set<() => void>()
  #throttled = 0
  #tokens = 1
  #live = false

  /** `onToken` is told of each token that replaces another. */
  constructor(plan: WorldPlan, clock: Clock, onToken: (token: string) => void = () => {}) {
    this.#plan = plan
    this.#clock = clock
    this.#onToken = onToken
    this.#created = clock.now().wall
    this.objects.put('namespaces', namespaceObject(STUB_NAMESPACE, this.#created))
    this.objects.put('services', stubService(this.#created))
    for (const pod of plan.pods) this.#add(pod)
  }

  /** The token that is good now. */
  get token(): string {
    return `stub-token-${this.#tokens}`
  }

  /** How long a stalled stream is silent before its connection is reset; for ever if undefined. */
  get stallFor(): Ms | undefined {
    return this.#plan.stallFor
  }

  /** Whether the live lines have begun to come. */
  get isLive(): boolean {
    return this.#live
  }

  /** Refuses a request. Throws a 401 for a token that is not good, and a 429 while requests are throttled. */
  admit(token: string | undefined): void {
    if (token !== this.token) throw unauthorized()
    if (this.#throttled === 0) return
    this.#throttled -= 1
    throw new ApiFailure(429, 'TooManyRequests', 'Too many requests, please try again later.')
  }

  /** Opens a log. Throws the 404 and 400 of the API server and the kubelet. */
  openLog(name: string, query: LogQuery): LogReading {
    const pod = this.#pods.get(name)
    if (pod === undefined) throw notFound('pods', name)
    const { container = STUB_CONTAINER } = query
    if (container !== STUB_CONTAINER) throw badRequest(`container ${container} is not valid for pod ${name}`)
    const file = pod.files.at(query.previous ? -2 : -1)
    if (file === undefined)
      throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`)
    return new LogReading(file, query)
  }

  /** Somebody asks to follow a pod's log, with success or not: once all are followed, live lines come. */
  noteFollow(name: string): void {
    const pod = this.#pods.get(name)
    if (pod === undefined || this.#live) return
    const isFirst = [...this.#pods.values()].every(({ followed }) => !followed)
    pod.followed = true
    if ([...this.#pods.values()].every(({ followed }) => followed)) this.goLive()
    else if (isFirst) this.#after(PATIENCE, () => this.goLive())
  }

  /** Lets the live lines come, and what is to go wrong with them. */
  goLive(): void {
    if (this.#live) return
    this.#live = true
    for (const { kind, times } of this.#plan.calls) this.#callFault(kind, times)
    if (this.#plan.pace > 0) this.#writeAtPace()
    else for (const pod of this.#pods.values()) this.#writeAll(pod)
  }

  /** Ends the watch with `end` when the cluster forgets the past, until the returned function is called. */
  onExpiry(end: () => void): () => void {
    this.#endWatches.add(end)
    return () => this.#endWatches.delete(end)
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel()
  }

  #add(plan: PodPlan): void {
    const log = plan.runs[0]
    if (log === undefined) throw new Error(`${plan.name} has no run`)
    const faults = plan.faults.filter(({ run }) => run === 0)
    const state: PodState = {
      name: plan.name,
      run: 0,
      state: 'running',
      startedAt: this.#created,
      endedAt: undefined,
    }
    const pod = { plan, files: [new RunFile(log, plan.written, faults)], state, followed: false, due: 0 }
    this.#pods.set(plan.name, pod)
    this.#publish(pod, {})
  }

  #publish(pod: StubPod, change: Partial<PodState>): void {
    pod.state = { ...pod.state, ...change }
    this.objects.put('pods', stubPod(pod.state, this.#created))
  }

  #writeAll(pod: StubPod): void {
    const file = pod.files.at(-1) as RunFile
    file.write(file.log.lines)
    this.#afterLastLine(pod, file)
  }

  /** A run whose lines are all written is followed by the next one, if there is to be one. */
  #afterLastLine(pod: StubPod, file: RunFile): void {
    const next = pod.files.length
    const log = pod.plan.runs[next]
    if (log === undefined) {
      if (this.#plan.ends) this.#finish(pod, file, 'completed')
      return
    }
    this.#finish(pod, file, 'down')
    this.#after(this.#plan.downtime, () => {
      const faults = pod.plan.faults.filter(({ run }) => run === next)
      pod.files.push(new RunFile(log, 0, faults))
      this.#publish(pod, {
        run: next,
        state: 'running',
        startedAt: this.#clock.now().wall,
        endedAt: undefined,
      })
      if (this.#plan.pace === 0) this.#writeAll(pod)
    })
  }

  /** The status tells the end before the stream does: whoever looks because the stream ended finds the reason. */
  #finish(pod: StubPod, file: RunFile, state: 'down' | 'completed'): void {
    this.#publish(pod, { state, endedAt: this.#clock.now().wall })
    file.end()
  }

  #writeAtPace(): void {
    let left = false
    for (const pod of this.#pods.values()) {
      const file = pod.files.at(-1) as RunFile
      pod.due += (this.#plan.pace * TICK) / 1000
      const lines = Math.floor(pod.due)
      pod.due -= lines
      file.write(file.written + lines)
      const complete = file.written === file.log.lines
      if (complete && !file.over) this.#afterLastLine(pod, file)
      left ||= !complete || pod.files.length < pod.plan.runs.length
    }
    if (left) this.#after(TICK, () => this.#writeAtPace())
  }

  #callFault(kind: CallFaultKind, times: number): void {
    switch (kind) {
      case 'throttle':
        this.#throttled += times
        break
      case 'token':
        this.#tokens += 1
        this.#onToken(this.token)
        break
      case 'expire':
        this.objects.compact()
        for (const end of [...this.#endWatches]) end()
        break
    }
  }

  #after(delay: Ms, action: () => void): void {
    this.#cancels.push(this.#clock.after(delay, action))
  }
}
