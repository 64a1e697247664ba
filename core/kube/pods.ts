import * as z from 'zod'
import type { ContainerSnapshot, ContainerState, EndedRun, PodSnapshot } from '#core/logs/pod.ts'

/** One pod, as far as routes and logs need it. */
export interface ClusterPod extends PodSnapshot {
  readonly namespace: string
  /** The pod's address inside the VPC, once it has one. */
  readonly address: string | undefined
  /** Whether the cluster sends a Service's traffic to it. */
  readonly ready: boolean
  /** Whether it is being deleted. */
  readonly leaving: boolean
  /** Ports that its containers declare by name, for Services that name theirs. */
  readonly namedPorts: Readonly<Record<string, number>>
}

const runEndSchema = z.object({
  exitCode: z.number(),
  reason: z.string().optional(),
  containerID: z.string().optional(),
  finishedAt: z.string().nullish(),
})
const stateSchema = z.object({
  waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
  running: z.object({}).optional(),
  terminated: runEndSchema.optional(),
})
const statusSchema = z.object({
  name: z.string(),
  restartCount: z.number().default(0),
  containerID: z.string().optional(),
  state: stateSchema.default({}),
  lastState: stateSchema.default({}),
})
const conditionSchema = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().optional(),
  message: z.string().optional(),
})
const containerSchema = z.object({
  name: z.string(),
  restartPolicy: z.string().optional(),
  ports: z.array(z.object({ name: z.string().optional(), containerPort: z.number() })).default([]),
})

/** The wire form of a pod; what is not needed is dropped. */
const wirePodSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).default([]),
    ephemeralContainers: z.array(containerSchema).default([]),
  }),
  status: z
    .object({
      reason: z.string().optional(),
      message: z.string().optional(),
      podIP: z.string().optional(),
      conditions: z.array(conditionSchema).default([]),
      containerStatuses: z.array(statusSchema).default([]),
      initContainerStatuses: z.array(statusSchema).default([]),
      ephemeralContainerStatuses: z.array(statusSchema).default([]),
    })
    .prefault({}),
})

export const podSchema = wirePodSchema.transform(toPod)

type WirePod = z.infer<typeof wirePodSchema>
type WireContainer = z.infer<typeof containerSchema>
type WireStatus = z.infer<typeof statusSchema>

function toPod({ metadata, spec, status }: WirePod): ClusterPod {
  const leaving = metadata.deletionTimestamp !== undefined
  return {
    uid: metadata.uid,
    name: metadata.name,
    namespace: metadata.namespace,
    labels: metadata.labels,
    address: status.podIP || undefined,
    ready: !leaving && status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True'),
    leaving,
    trouble: troubleOf(status),
    namedPorts: namedPortsOf(spec.containers),
    containers: [
      ...inStartOrder(spec.initContainers).map((container) =>
        toContainer(container, status.initContainerStatuses),
      ),
      ...spec.containers.map((container) => toContainer(container, status.containerStatuses)),
      ...spec.ephemeralContainers.map((container) =>
        toContainer(container, status.ephemeralContainerStatuses),
      ),
    ],
  }
}

/** A sidecar is an init container that goes on beside the others, and so has its say after those that end. */
function inStartOrder(containers: readonly WireContainer[]): WireContainer[] {
  const isSidecar = ({ restartPolicy }: WireContainer) => restartPolicy === 'Always'
  return [...containers.filter((each) => !isSidecar(each)), ...containers.filter(isSidecar)]
}

function toContainer({ name }: WireContainer, statuses: readonly WireStatus[]): ContainerSnapshot {
  const status = statuses.find((candidate) => candidate.name === name)
  if (status === undefined)
    return { name, restarts: 0, state: { kind: 'waiting', why: 'not started' }, previous: undefined }
  const previous = status.lastState.terminated
  return {
    name,
    restarts: status.restartCount,
    state: toState(status),
    previous: previous && toEndedRun(previous, `${name}-${status.restartCount - 1}`),
  }
}

function toState({ state, containerID, restartCount, name }: WireStatus): ContainerState {
  // A runtime that tells no ids still restarts, and counts.
  const run = containerID || `${name}-${restartCount}`
  if (state.running) return { kind: 'running', run }
  if (state.terminated) return { kind: 'ended', ...toEndedRun(state.terminated, run) }
  return { kind: 'waiting', why: state.waiting?.reason ?? 'not started' }
}

function toEndedRun(end: z.infer<typeof runEndSchema>, run: string): EndedRun {
  return {
    run: end.containerID || run,
    exitCode: end.exitCode,
    reason: end.reason ?? (end.exitCode === 0 ? 'Completed' : 'Error'),
    endedAt: end.finishedAt ?? undefined,
  }
}

/** A pod that was evicted, or that no node takes, tells it as a whole; its containers only say that they wait. */
function troubleOf(status: WirePod['status']): string | undefined {
  if (status.reason !== undefined) return joined(status.reason, status.message)
  const scheduled = status.conditions.find(({ type }) => type === 'PodScheduled')
  return scheduled?.status === 'False'
    ? joined(scheduled.reason ?? 'Unschedulable', scheduled.message)
    : undefined
}

function joined(reason: string, message: string | undefined): string {
  return message === undefined ? reason : `${reason}: ${message}`
}

function namedPortsOf(containers: readonly WireContainer[]): Record<string, number> {
  const ports = containers.flatMap((container) => container.ports)
  return Object.fromEntries(ports.flatMap(({ name, containerPort }) => (name ? [[name, containerPort]] : [])))
}
