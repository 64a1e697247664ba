/** The installation's cluster: its pods and what happens to them, told to the object store as it happens. */

import type { Clock, Ms } from '#core/clock.ts'
import { WORLD, type WorldPod, type WorldService } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { RunLog, stampOf } from './log-store.ts'
import { ObjectStore } from './object-store.ts'
import {
  type Backend,
  endpointSliceObject,
  endpointsObject,
  eventObject,
  type Happening,
  namespaceObject,
  serviceObject,
  settingsObject,
  uidOf,
} from './objects.ts'
import {
  type ContainerRun,
  containerIdOf,
  isRunning,
  nodeOf,
  type OtherContainer,
  type Pod,
  podObject,
  type RunEnd,
} from './pods.ts'
import { secretObjects } from './secrets.ts'

const DAY: Ms = 86_400_000
const MINUTE: Ms = 60_000

/** How long before the start of the sandbox the container that was killed for its memory ran, and ended. */
const KILLED_RUN = { startedAgo: 9 * 60 * MINUTE, endedAgo: 6 * MINUTE }

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789'

/** How a container ended; Error with status 1 unless told otherwise. */
export type Ending = Partial<Omit<RunEnd, 'at'>>

/** A container beside the service's own, and what it has written by the time that it is seen. */
export interface NewContainer extends Pick<OtherContainer, 'name' | 'kind'> {
  readonly lines: readonly string[]
}

export class Cluster {
  readonly objects = new ObjectStore()
  readonly #clock: Clock
  readonly #world: World
  readonly #pods = new Map<string, Pod>()
  #created = 0

  constructor(clock: Clock, world: World = WORLD) {
    this.#clock = clock
    this.#world = world
    const now = clock.now().wall
    for (const name of ['default', 'kube-system', WORLD.namespace])
      this.objects.put('namespaces', namespaceObject(name, now - 30 * DAY))
    this.objects.put('configmaps', settingsObject(WORLD.namespace, now - 30 * DAY))
    for (const service of this.services())
      this.objects.put('services', serviceObject(service, now - 30 * DAY))
    for (const secret of secretObjects(world, now)) this.objects.put('secrets', secret)
    for (const pod of world.pods) this.#addOfWorld(pod, now)
    for (const service of this.services()) this.#publishBackends(service)
  }

  /** The services that the installation has. */
  services(): WorldService[] {
    return [...new Set(this.#world.pods.map(({ service }) => service))]
  }

  /** The pods that exist, in the order in which they came. */
  pods(): Pod[] {
    return [...this.#pods.values()]
  }

  pod(name: string): Pod | undefined {
    return this.#pods.get(name)
  }

  /** Writes lines into the log of a pod's running container, all at once. */
  writeLog(name: string, texts: readonly string[], stamp?: bigint): void {
    const { run } = this.#existing(name)
    if (run === undefined || run.end) throw new Error(`the container of ${name} does not run`)
    run.log.append(texts, stamp ?? stampOf(this.#clock.now().wall))
  }

  /** Adds a pod to a service, whose container runs at once, or waits for `startContainer`. Answers its name. */
  createPod(
    service: WorldService,
    options: { waiting?: string; others?: readonly NewContainer[] } = {},
  ): string {
    const model = this.#world.pods.find((pod) => pod.service === service)
    if (model === undefined) throw new Error(`the world has no pods of ${service}`)
    const serial = ++this.#created
    const name = model.name.replace(/[^-]+$/, suffixOf(serial))
    const uid = uidOf(`pod ${name}`)
    const pod: Pod = {
      name,
      uid,
      others: (options.others ?? []).map((other) => this.#otherContainer(uid, other)),
      service,
      container: model.container,
      address: model.address.replace(/\d+\.\d+$/, `35.${100 + (serial % 100)}`),
      createdAt: this.#clock.now().wall,
      restarts: 0,
      waiting: options.waiting ?? 'ContainerCreating',
      run: undefined,
      previous: undefined,
      deletedAt: undefined,
    }
    this.#pods.set(name, pod)
    this.#publish(pod)
    this.#record(pod, 'Scheduled', `Successfully assigned ${WORLD.namespace}/${name} to ${nodeOf(pod).name}`)
    if (options.waiting === undefined) this.startContainer(name)
    return name
  }

  /** Starts the container of a pod in which none runs. */
  startContainer(name: string): void {
    const pod = this.#existing(name)
    if (isRunning(pod)) throw new Error(`the container of ${name} runs already`)
    if (pod.run) {
      pod.previous = pod.run
      pod.restarts += 1
    }
    pod.waiting = undefined
    pod.run = this.#newRun(pod, this.#clock.now().wall)
    this.#publish(pod)
    this.#record(pod, 'Started', `Container started: ${pod.container}`)
  }

  /** Ends the running container; `waiting` says what the kubelet waits for then, as CrashLoopBackOff. */
  stopContainer(name: string, ending: Ending = {}, waiting?: string): void {
    const pod = this.#existing(name)
    if (pod.run === undefined || !isRunning(pod)) throw new Error(`the container of ${name} does not run`)
    pod.run.end = {
      at: this.#clock.now().wall,
      exitCode: ending.exitCode ?? 1,
      reason: ending.reason ?? 'Error',
    }
    pod.waiting = waiting
    this.#publish(pod)
    // The log ends after the status tells why: whoever looks because the stream ended, finds the reason.
    pod.run.log.close()
    if (waiting === 'CrashLoopBackOff')
      this.#record(
        pod,
        'BackOff',
        `Back-off restarting failed container ${pod.container} in pod ${name}`,
        'Warning',
      )
  }

  restartContainer(name: string, ending: Ending = {}): void {
    this.stopContainer(name, ending)
    this.startContainer(name)
  }

  /** Deletes a pod, by way of its termination. */
  deletePod(name: string): void {
    const pod = this.#existing(name)
    pod.deletedAt = this.#clock.now().wall
    this.#publish(pod)
    this.#record(pod, 'Killing', `Stopping container ${pod.container}`)
    if (isRunning(pod)) this.stopContainer(name, { exitCode: 0, reason: 'Completed' })
    this.#pods.delete(name)
    this.objects.delete('pods', WORLD.namespace, name)
    this.#publishBackends(pod.service)
  }

  /** Deletes a pod as people do it: its service's ReplicaSet makes another at once. */
  replacePod(name: string): void {
    const { service } = this.#existing(name)
    this.deletePod(name)
    this.createPod(service)
  }

  #addOfWorld(world: WorldPod, now: Ms): void {
    const pod: Pod = {
      ...world,
      uid: uidOf(`pod ${world.name}`),
      others: [],
      createdAt: now - 3 * DAY,
      waiting: undefined,
      run: undefined,
      previous: undefined,
      deletedAt: undefined,
    }
    if (world.restarts > 0) {
      const killed = this.#newRun({ ...pod, restarts: world.restarts - 1 }, now - KILLED_RUN.startedAgo)
      killed.end = { at: now - KILLED_RUN.endedAgo, exitCode: 137, reason: 'OOMKilled' }
      pod.previous = killed
    }
    pod.run = this.#newRun(pod, pod.previous?.end ? pod.previous.end.at + 1200 : pod.createdAt + 4000)
    this.#pods.set(pod.name, pod)
    this.objects.put('pods', podObject(pod))
    this.#recordStart(pod)
  }

  #recordStart(pod: Pod): void {
    const { previous, run } = pod
    if (previous?.end)
      this.#record(
        pod,
        'BackOff',
        `Back-off restarting failed container ${pod.container}`,
        'Warning',
        previous.end.at,
      )
    if (run) this.#record(pod, 'Started', `Container started: ${pod.container}`, 'Normal', run.startedAt)
  }

  /** With its lines written; what is to have ended has. */
  #otherContainer(uid: string, { name, kind, lines }: NewContainer): OtherContainer {
    const now = this.#clock.now().wall
    const id = containerIdOf({ uid: `${uid} ${name}` }, 0)
    const run: ContainerRun = { id, startedAt: now, log: new RunLog() }
    run.log.append(lines, stampOf(now))
    if (kind === 'init') {
      run.end = { at: now, exitCode: 0, reason: 'Completed' }
      run.log.close()
    }
    return { name, kind, run }
  }

  #newRun(pod: Pod, startedAt: Ms): ContainerRun {
    return { id: containerIdOf(pod, pod.restarts), startedAt, log: new RunLog() }
  }

  #existing(name: string): Pod {
    const pod = this.#pods.get(name)
    if (pod === undefined) throw new Error(`there is no pod ${name}`)
    return pod
  }

  #publish(pod: Pod): void {
    this.objects.put('pods', podObject(pod))
    this.#publishBackends(pod.service)
  }

  #publishBackends(service: WorldService): void {
    const backends: Backend[] = this.pods()
      .filter((pod) => pod.service === service)
      .map((pod) => ({
        pod: pod.name,
        uid: pod.uid,
        address: pod.address,
        nodeName: nodeOf(pod).name,
        ready: isRunning(pod) && pod.deletedAt === undefined,
      }))
    const created = this.#clock.now().wall - 30 * DAY
    this.objects.put('endpoints', endpointsObject(service, backends, created))
    this.objects.put('endpointslices.discovery.k8s.io', endpointSliceObject(service, backends, created))
  }

  #record(
    pod: Pod,
    reason: string,
    message: string,
    type: Happening['type'] = 'Normal',
    at: Ms = this.#clock.now().wall,
  ): void {
    this.objects.put('events', eventObject(pod, { reason, message, type, at }))
  }
}

/** Five letters in the manner of a ReplicaSet's. */
function suffixOf(serial: number): string {
  const letters = SUFFIX_LETTERS.length
  // A prime that the letters' number does not share spreads neighbours, and gives no two of them the same name.
  const spread = (serial * 7_368_787) % letters ** 5
  return Array.from(
    { length: 5 },
    (_, at) => SUFFIX_LETTERS[Math.floor(spread / letters ** at) % letters],
  ).join('')
}
