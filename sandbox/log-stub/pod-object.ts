/** A pod of the stub as the API shows it: what readers of logs look at, and nothing else. */

import { createHash } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { type Draft, timeOf, uidOf } from '#sandbox/kubernetes/objects.ts'

export const STUB_NAMESPACE = 'logs'
export const STUB_APP = 'api'
export const STUB_CONTAINER = 'app'
/** By which all pods are found. */
export const STUB_LABEL = 'app.kubernetes.io/name'

export interface PodState {
  readonly name: string
  /** The run of now, or the last one. */
  readonly run: number
  readonly state: 'running' | 'down' | 'completed'
  readonly startedAt: Ms
  readonly endedAt: Ms | undefined
}

export function runId(pod: string, run: number): string {
  return `containerd://${createHash('sha256').update(`${pod} ${run}`).digest('hex')}`
}

export function stubPod(pod: PodState, created: Ms): Draft {
  const { name, run, state } = pod
  const running = state === 'running'
  const condition = (type: string, status: boolean) => ({ type, status: status ? 'True' : 'False' })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: STUB_NAMESPACE,
      uid: uidOf(`stub pod ${name}`),
      creationTimestamp: timeOf(created),
      labels: { [STUB_LABEL]: STUB_APP },
    },
    spec: {
      containers: [{ name: STUB_CONTAINER, image: 'registry.acme.example/stub/api:1' }],
      restartPolicy: 'Always',
      nodeName: `node-${name}`,
    },
    status: {
      phase: state === 'completed' ? 'Succeeded' : 'Running',
      conditions: [
        condition('Initialized', true),
        condition('Ready', running),
        condition('ContainersReady', running),
        condition('PodScheduled', true),
      ],
      podIP: '10.0.32.1',
      startTime: timeOf(created),
      containerStatuses: [
        {
          name: STUB_CONTAINER,
          image: 'registry.acme.example/stub/api:1',
          imageID: '',
          containerID: runId(name, run),
          ready: running,
          started: running,
          restartCount: run,
          state: stateOf(pod),
          lastState: run > 0 ? { terminated: terminated(name, run - 1, pod.startedAt, 1) } : {},
        },
      ],
    },
  }
}

export function stubService(created: Ms): Draft {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: STUB_APP,
      namespace: STUB_NAMESPACE,
      uid: uidOf('stub service'),
      creationTimestamp: timeOf(created),
      labels: { [STUB_LABEL]: STUB_APP },
    },
    spec: { type: 'ClusterIP', selector: { [STUB_LABEL]: STUB_APP }, ports: [{ port: 80, protocol: 'TCP' }] },
  }
}

function stateOf({ name, run, state, startedAt, endedAt = startedAt }: PodState) {
  if (state === 'running') return { running: { startedAt: timeOf(startedAt) } }
  return { terminated: terminated(name, run, endedAt, state === 'completed' ? 0 : 1) }
}

function terminated(name: string, run: number, at: Ms, exitCode: number) {
  const reason = exitCode === 0 ? 'Completed' : 'Error'
  return {
    exitCode,
    reason,
    startedAt: timeOf(at),
    finishedAt: timeOf(at),
    containerID: runId(name, run),
  }
}
