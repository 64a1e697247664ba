/** A pod as the cluster keeps it, and the object that the API makes of it. */

import { createHash } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { WORLD, WORLD_SERVICES, type WorldService, worldOfAddress } from '#sandbox/world.ts'
import type { RunLog } from './log-store.ts'
import { type Draft, selectorOf, timeOf, uidOf } from './objects.ts'

/** One life of a container. */
export interface ContainerRun {
  readonly id: string
  readonly startedAt: Ms
  readonly log: RunLog
  end?: RunEnd
  /** Whether the node has thrown its log away. */
  isLost?: boolean
}

export interface RunEnd {
  readonly at: Ms
  readonly exitCode: number
  /** As the kubelet says it: Completed, Error, OOMKilled. */
  readonly reason: string
}

/** A container beside the one that the service runs in; it never restarts. */
export interface OtherContainer {
  readonly name: string
  readonly kind: 'init' | 'sidecar' | 'ephemeral'
  readonly run: ContainerRun
}

export interface Pod {
  readonly name: string
  readonly uid: string
  readonly service: WorldService
  readonly container: string
  readonly others: readonly OtherContainer[]
  readonly address: string
  readonly createdAt: Ms
  restarts: number
  /** Why the container has not started yet, or not again; undefined when it runs or has ended. */
  waiting: string | undefined
  run: ContainerRun | undefined
  /** The run before, which `previous=true` reads. */
  previous: ContainerRun | undefined
  deletedAt: Ms | undefined
}

export function isRunning(pod: Pod): boolean {
  return pod.run !== undefined && pod.run.end === undefined && pod.waiting === undefined
}

export function phaseOf(pod: Pod): 'Pending' | 'Running' {
  return pod.run === undefined ? 'Pending' : 'Running'
}

/** The node that a pod runs on: one for each of the private subnets. */
export function nodeOf(pod: Pick<Pod, 'address'>): { name: string; address: string } {
  const address = pod.address.replace(/\.\d+$/, '.5')
  const { region } = worldOfAddress(address)
  return { name: `ip-${address.replaceAll('.', '-')}.${region}.compute.internal`, address }
}

/** An id for a run of a container, in the container runtime's form. */
export function containerIdOf(pod: Pick<Pod, 'uid'>, run: number): string {
  return `containerd://${createHash('sha256').update(`${pod.uid} ${run}`).digest('hex')}`
}

const IMAGES: Readonly<Record<WorldService, string>> = {
  grafana: 'registry.acme.example/monitoring/grafana:12.3.1',
  hermes: 'registry.acme.example/paragon/hermes:2026.11.2',
  cerberus: 'registry.acme.example/paragon/cerberus:2026.11.2',
  payload: 'registry.acme.example/tools/payload:1.4.0',
}

/** The pod as `GET …/pods/NAME` shows it. */
export function podObject(pod: Pod): Draft {
  const hash = pod.name.split('-').at(-2) ?? ''
  const node = nodeOf(pod)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod.name,
      generateName: `${pod.service}-${hash}-`,
      namespace: WORLD.namespace,
      uid: pod.uid,
      creationTimestamp: timeOf(pod.createdAt),
      ...(pod.deletedAt !== undefined && {
        deletionTimestamp: timeOf(pod.deletedAt),
        deletionGracePeriodSeconds: 30,
      }),
      labels: { ...selectorOf(pod.service), 'pod-template-hash': hash },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${pod.service}-${hash}`,
          uid: uidOf(`replicaset ${pod.service}-${hash}`),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      containers: [
        {
          name: pod.container,
          image: IMAGES[pod.service],
          ports: [{ name: 'http', containerPort: WORLD_SERVICES[pod.service].port, protocol: 'TCP' }],
          resources: {
            limits: { memory: '512Mi' },
            requests: { cpu: '100m', memory: '256Mi' },
          },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      ...otherSpecs(pod),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: pod.service,
      nodeName: node.name,
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    },
    status: statusOf(pod, node.address),
  }
}

function otherSpecs({ service, others }: Pod) {
  const spec = ({ name, kind }: OtherContainer) => ({
    name,
    image: IMAGES[service],
    ...(kind === 'sidecar' && { restartPolicy: 'Always' }),
  })
  return {
    initContainers: others.filter(({ kind }) => kind !== 'ephemeral').map(spec),
    ephemeralContainers: others.filter(({ kind }) => kind === 'ephemeral').map(spec),
  }
}

function otherStatuses({ service, others }: Pod) {
  const status = ({ name, run }: OtherContainer) => ({
    name,
    state: run.end
      ? { terminated: terminatedState(run, run.end) }
      : { running: { startedAt: timeOf(run.startedAt) } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image: IMAGES[service],
    containerID: run.id,
  })
  return {
    initContainerStatuses: others.filter(({ kind }) => kind !== 'ephemeral').map(status),
    ephemeralContainerStatuses: others.filter(({ kind }) => kind === 'ephemeral').map(status),
  }
}

function statusOf(pod: Pod, hostAddress: string) {
  const ready = isRunning(pod) && pod.deletedAt === undefined
  const since = timeOf(pod.run?.end?.at ?? pod.run?.startedAt ?? pod.createdAt)
  const condition = (type: string, status: boolean, lastTransitionTime: string) => ({
    type,
    status: status ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime,
    ...(!status && {
      reason: 'ContainersNotReady',
      message: `containers with unready status: [${pod.container}]`,
    }),
  })
  return {
    phase: phaseOf(pod),
    conditions: [
      condition('Initialized', true, timeOf(pod.createdAt)),
      condition('Ready', ready, since),
      condition('ContainersReady', ready, since),
      condition('PodScheduled', true, timeOf(pod.createdAt)),
    ],
    hostIP: hostAddress,
    hostIPs: [{ ip: hostAddress }],
    podIP: pod.address,
    podIPs: [{ ip: pod.address }],
    startTime: timeOf(pod.createdAt),
    containerStatuses: [containerStatus(pod, ready)],
    ...otherStatuses(pod),
    qosClass: 'Burstable',
  }
}

function containerStatus(pod: Pod, ready: boolean) {
  const image = IMAGES[pod.service]
  const last = pod.waiting === undefined ? pod.previous : (pod.run ?? pod.previous)
  return {
    name: pod.container,
    state: stateOf(pod),
    lastState: last?.end ? { terminated: terminatedState(last, last.end) } : {},
    ready,
    restartCount: pod.restarts,
    image,
    imageID: pod.run
      ? `${image.split(':')[0]}@sha256:${createHash('sha256').update(image).digest('hex')}`
      : '',
    ...(pod.run && { containerID: pod.run.id }),
    started: isRunning(pod),
  }
}

function stateOf(pod: Pod) {
  if (pod.waiting !== undefined) return { waiting: { reason: pod.waiting } }
  if (pod.run === undefined) return { waiting: { reason: 'ContainerCreating' } }
  if (pod.run.end) return { terminated: terminatedState(pod.run, pod.run.end) }
  return { running: { startedAt: timeOf(pod.run.startedAt) } }
}

function terminatedState(run: ContainerRun, end: RunEnd) {
  return {
    exitCode: end.exitCode,
    reason: end.reason,
    startedAt: timeOf(run.startedAt),
    finishedAt: timeOf(end.at),
    containerID: run.id,
  }
}
