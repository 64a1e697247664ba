import { ACME } from './worlds/acme.ts'
import { GLOBEX } from './worlds/globex.ts'
import type { World } from './worlds/installation.ts'

/**
 * The fictional installations that the sandbox is: one set of names each, told alike by the AWS endpoint, the agent
 * and the Kubernetes API. Addresses and ids are what the far side sees; where they lead on this computer is decided
 * at start (`WorldPorts`), as every listener takes a free port of the loopback.
 */
export const WORLDS: readonly World[] = [ACME, GLOBEX]

/** The installation that commands act on unless another is named. */
export const WORLD = {
  ...ACME,
  namespace: 'paragon',
  /** A name of the installation's private DNS zone, for tunnels that need no cluster. */
  payloadHost: 'payload.internal.acme.example',
  payloadPort: 8080,
} as const

/** The first installation's nodes. */
export const WORLD_NODES = ACME.nodes

/** The installation of an account in a region; undefined where there is none. */
export function worldIn(account: string, region: string): World | undefined {
  return WORLDS.find((world) => world.account === account && world.region === region)
}

/** The installation whose bastion, present or next, `instanceId` is. */
export function worldOfBastion(instanceId: string): World | undefined {
  return WORLDS.find(({ bastion, replacement }) =>
    [bastion.instanceId, replacement.instanceId].includes(instanceId),
  )
}

export type WorldService = 'grafana' | 'hermes' | 'cerberus' | 'payload'

export interface WorldPod {
  readonly name: string
  readonly service: WorldService
  readonly container: string
  /** The pod's address inside the VPC; unique, routable from the bastion. */
  readonly address: string
  readonly restarts: number
}

/** Port of each service, and its address inside the cluster (which no bastion can reach). */
export const WORLD_SERVICES: Readonly<Record<WorldService, { port: number; clusterIp: string }>> = {
  grafana: { port: 4500, clusterIp: '172.20.14.11' },
  hermes: { port: 1702, clusterIp: '172.20.31.7' },
  cerberus: { port: 1700, clusterIp: '172.20.8.140' },
  payload: { port: 8080, clusterIp: '172.20.99.2' },
}

export const WORLD_PODS: readonly WorldPod[] = [
  {
    name: 'grafana-6c7f9d8b54-x2x9q',
    service: 'grafana',
    container: 'grafana',
    address: '10.0.32.10',
    restarts: 0,
  },
  {
    name: 'hermes-7d9c5b6f48-4kzlp',
    service: 'hermes',
    container: 'hermes',
    address: '10.0.32.21',
    restarts: 0,
  },
  {
    name: 'hermes-7d9c5b6f48-9m2fw',
    service: 'hermes',
    container: 'hermes',
    address: '10.0.33.22',
    restarts: 1,
  },
  {
    name: 'hermes-7d9c5b6f48-tq6vd',
    service: 'hermes',
    container: 'hermes',
    address: '10.0.34.23',
    restarts: 0,
  },
  {
    name: 'cerberus-5f4d9c7b66-b8n4h',
    service: 'cerberus',
    container: 'cerberus',
    address: '10.0.33.31',
    restarts: 0,
  },
  {
    name: 'payload-84b5d7c9f7-zz5rk',
    service: 'payload',
    container: 'payload',
    address: '10.0.32.40',
    restarts: 0,
  },
]

/** Where the world's services listen on this computer's loopback, known once they have started. */
export interface WorldPorts {
  readonly kubernetes: number
  readonly grafana: number
  readonly payload: number
  /** An HTTP service that stands in for the product's own: `/healthz`, and an answer that names the service. */
  readonly product: number
}

/**
 * Where a connection from the bastion to `host:port` really goes: a port of the loopback, or undefined when the
 * world has no such host and port (`known` tells a closed port from an unknown name).
 */
export function resolveFromBastion(
  host: string,
  port: number,
  ports: WorldPorts,
): { known: boolean; loopbackPort: number | undefined } {
  const name = host.toLowerCase().replace(/\.$/, '')
  if (name === WORLD.cluster.host)
    return { known: true, loopbackPort: port === 443 ? ports.kubernetes : undefined }
  if (name === WORLD.payloadHost)
    return { known: true, loopbackPort: port === WORLD.payloadPort ? ports.payload : undefined }
  const pod = WORLD_PODS.find((candidate) => candidate.address === name)
  if (pod === undefined) return { known: false, loopbackPort: undefined }
  return {
    known: true,
    loopbackPort: port === WORLD_SERVICES[pod.service].port ? portOf(pod.service, ports) : undefined,
  }
}

/** The loopback port behind a service's pods. */
export function portOf(service: WorldService, ports: WorldPorts): number {
  if (service === 'grafana') return ports.grafana
  return service === 'payload' ? ports.payload : ports.product
}
