/** Kubernetes' own shapes, as far as every object has them, and the objects of the world that never change. */

import { createHash } from 'node:crypto'
import type { Ms } from '#core/clock.ts'
import { WORLD, WORLD_SERVICES, type WorldService } from '#sandbox/world.ts'

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/** An object as the API sends it. Never changed in place: a change is a new object with a new version. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly [field: string]: unknown
}

/** An object that the store has not given a version yet. */
export type Draft = Omit<KubeObject, 'metadata'> & { readonly metadata: Omit<ObjectMeta, 'resourceVersion'> }

/** A moment as `metav1.Time` writes it: whole seconds. */
export function timeOf(wall: Ms): string {
  return `${new Date(wall).toISOString().slice(0, 19)}Z`
}

/** A UUID that is the same for the same name, so that a world looks alike from start to start. */
export function uidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The Helm release that a service belongs to. */
export function releaseOf(service: WorldService): string {
  return service === 'grafana' ? 'paragon-monitoring' : 'paragon-on-prem'
}

/** The labels by which a service's pods are found. */
export function selectorOf(service: WorldService): Record<string, string> {
  return { 'app.kubernetes.io/instance': releaseOf(service), 'app.kubernetes.io/name': service }
}

/** What the product's services read when they start. */
export function settingsObject(namespace: string, created: Ms): Draft {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: 'paragon-settings',
      namespace,
      uid: uidOf('configmap paragon-settings'),
      creationTimestamp: timeOf(created),
    },
    data: { ANALYTICS_ENABLED: 'true', LOG_LEVEL: 'info' },
  }
}

export function namespaceObject(name: string, created: Ms): Draft {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      uid: uidOf(`namespace ${name}`),
      creationTimestamp: timeOf(created),
      labels: { 'kubernetes.io/metadata.name': name },
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }
}

export function serviceObject(service: WorldService, created: Ms): Draft {
  const { port, clusterIp } = WORLD_SERVICES[service]
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: service,
      namespace: WORLD.namespace,
      uid: uidOf(`service ${service}`),
      creationTimestamp: timeOf(created),
      labels: { ...selectorOf(service), 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: {
        'meta.helm.sh/release-name': releaseOf(service),
        'meta.helm.sh/release-namespace': WORLD.namespace,
      },
    },
    spec: {
      ports: [{ name: 'http', protocol: 'TCP', port, targetPort: port }],
      selector: selectorOf(service),
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    },
    status: { loadBalancer: {} },
  }
}

/** A pod as an address behind a service. */
export interface Backend {
  readonly pod: string
  readonly uid: string
  readonly address: string
  readonly nodeName: string
  readonly ready: boolean
}

export function endpointsObject(service: WorldService, backends: readonly Backend[], created: Ms): Draft {
  const addressOf = ({ pod, uid, address, nodeName }: Backend) => ({
    ip: address,
    nodeName,
    targetRef: { kind: 'Pod', namespace: WORLD.namespace, name: pod, uid },
  })
  const ready = backends.filter((backend) => backend.ready).map(addressOf)
  const notReady = backends.filter((backend) => !backend.ready).map(addressOf)
  const subset = {
    ...(ready.length > 0 && { addresses: ready }),
    ...(notReady.length > 0 && { notReadyAddresses: notReady }),
    ports: [{ name: 'http', port: WORLD_SERVICES[service].port, protocol: 'TCP' }],
  }
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: service,
      namespace: WORLD.namespace,
      uid: uidOf(`endpoints ${service}`),
      creationTimestamp: timeOf(created),
      labels: { ...selectorOf(service), 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
    },
    ...(backends.length > 0 && { subsets: [subset] }),
  }
}

export function endpointSliceObject(service: WorldService, backends: readonly Backend[], created: Ms): Draft {
  const uid = uidOf(`endpointslice ${service}`)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${service}-${uid.slice(0, 5)}`,
      generateName: `${service}-`,
      namespace: WORLD.namespace,
      uid,
      creationTimestamp: timeOf(created),
      labels: {
        ...selectorOf(service),
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': service,
      },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name: service,
          uid: uidOf(`service ${service}`),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    addressType: 'IPv4',
    endpoints: backends.map((backend) => ({
      addresses: [backend.address],
      conditions: { ready: backend.ready, serving: backend.ready, terminating: false },
      nodeName: backend.nodeName,
      targetRef: { kind: 'Pod', namespace: WORLD.namespace, name: backend.pod, uid: backend.uid },
    })),
    ports: [{ name: 'http', port: WORLD_SERVICES[service].port, protocol: 'TCP' }],
  }
}

/** What happened to a pod, as the cluster's journal tells it. */
export interface Happening {
  readonly reason: string
  readonly message: string
  readonly type: 'Normal' | 'Warning'
  readonly at: Ms
}

export function eventObject(pod: { name: string; uid: string }, happening: Happening): Draft {
  const { reason, message, type, at } = happening
  const id = uidOf(`event ${pod.uid} ${reason} ${at}`)
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${pod.name}.${id.replaceAll('-', '').slice(0, 16)}`,
      namespace: WORLD.namespace,
      uid: id,
      creationTimestamp: timeOf(at),
    },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Pod',
      namespace: WORLD.namespace,
      name: pod.name,
      uid: pod.uid,
    },
    reason,
    message,
    source: { component: 'kubelet' },
    firstTimestamp: timeOf(at),
    lastTimestamp: timeOf(at),
    count: 1,
    type,
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: '',
  }
}
