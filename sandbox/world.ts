import { isMachineOf } from './bastion-group.ts'
import { ACME } from './worlds/acme.ts'
import { GLOBEX } from './worlds/globex.ts'
import type { World, WorldPod, WorldService } from './worlds/installation.ts'

export type { WorldPod, WorldService } from './worlds/installation.ts'

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

/** The first installation's nodes and pods. */
export const WORLD_NODES = ACME.nodes
export const WORLD_PODS: readonly WorldPod[] = ACME.pods

/** The installation of an account in a region; undefined where there is none. */
export function worldIn(account: string, region: string): World | undefined {
  return WORLDS.find((world) => world.account === account && world.region === region)
}

/** The installation whose bastion `instanceId` is, or was, or may become. */
export function worldOfBastion(instanceId: string): World | undefined {
  return WORLDS.find(
    (world) =>
      [world.bastion.instanceId, world.replacement.instanceId].includes(instanceId) ||
      isMachineOf(world, instanceId),
  )
}

/** The installation whose VPC holds `address`. */
export function worldOfAddress(address: string): World {
  const inside = (world: World) => address.startsWith(world.network.cidr.replace(/\d+\.\d+\/16$/, ''))
  return WORLDS.find(inside) ?? ACME
}

/** Port of each service, and its address inside the cluster (which no bastion can reach). */
export const WORLD_SERVICES: Readonly<Record<WorldService, { port: number; clusterIp: string }>> = {
  grafana: { port: 4500, clusterIp: '172.20.14.11' },
  hermes: { port: 1702, clusterIp: '172.20.31.7' },
  cerberus: { port: 1700, clusterIp: '172.20.8.140' },
  payload: { port: 8080, clusterIp: '172.20.99.2' },
}

/** Where an installation's parts listen on this computer's loopback, known once they have started. */
export interface WorldPorts {
  /** Whose they are: what is not of this installation cannot be reached. The first, unless told. */
  readonly installation?: World
  readonly kubernetes: number
  readonly grafana: number
  readonly payload: number
  /** An HTTP service that stands in for the product's own: `/healthz`, and an answer that names the service. */
  readonly product: number
  /** Ports of the bastion itself that something listens on, and where: an sshd that a test has started, say. */
  readonly bastion?: ReadonlyMap<number, number> | undefined
  /** The datastores by their host names, each with the one port that it takes connections on. */
  readonly datastores?: ReadonlyMap<string, { readonly port: number; readonly loopbackPort: number }>
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
  const installation = ports.installation ?? ACME
  const at = (open: number, loopbackPort: number) => ({
    known: true,
    loopbackPort: port === open ? loopbackPort : undefined,
  })
  if (name === installation.cluster.host) return at(443, ports.kubernetes)
  if (name === WORLD.payloadHost && installation === ACME) return at(WORLD.payloadPort, ports.payload)
  const datastore = ports.datastores?.get(name)
  if (datastore !== undefined) return at(datastore.port, datastore.loopbackPort)
  const pod = installation.pods.find((candidate) => candidate.address === name)
  if (pod === undefined) return { known: false, loopbackPort: undefined }
  return at(WORLD_SERVICES[pod.service].port, portOf(pod.service, ports))
}

/** The loopback port behind a service's pods. */
export function portOf(service: WorldService, ports: WorldPorts): number {
  if (service === 'grafana') return ports.grafana
  return service === 'payload' ? ports.payload : ports.product
}
