/**
 * The fictional installation that the sandbox is: one set of names, told alike by the AWS endpoint, the agent and
 * the Kubernetes API. Addresses and ids are what the far side sees; where they lead on this computer is decided at
 * start (`WorldPorts`), as every listener takes a free port of the loopback.
 */

export const WORLD = {
  account: '111122223333',
  region: 'eu-central-1',
  organization: 'acme',
  workspace: 'paragon-acme-5d1f0c2e',
  vpcId: 'vpc-0c4de3a91b7f25e08',
  subnetId: 'subnet-0b8d6f2c5a9e41703',
  bastion: {
    instanceId: 'i-0a1b2c3d4e5f60718',
    name: 'paragon-acme-5d1f0c2e-bastion',
    address: '10.0.16.20',
    role: 'paragon-acme-5d1f0c2e-bastion',
    agentVersion: '3.3.5102.0',
  },
  /** What the auto-scaling group starts while it replaces the bastion. */
  replacement: { instanceId: 'i-0f9e8d7c6b5a49382', address: '10.0.16.77' },
  cluster: {
    name: 'paragon-acme-5d1f0c2e',
    /** The name on the API server's certificate; only the bastion can resolve it. */
    host: 'a1b2c3d4e5f60718293a4b5c6d7e8f90.gr7.eu-central-1.eks.amazonaws.com',
    version: '1.35',
  },
  namespace: 'paragon',
  /** A name of the installation's private DNS zone, for tunnels that need no cluster. */
  payloadHost: 'payload.internal.acme.example',
  payloadPort: 8080,
  kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/5d0a2c8e-71f4-4b09-9c36-0e1a7b2f4d85',
} as const

/** The cluster's nodes: instances that are no bastion, so that looking for one has something to pass over. */
export const WORLD_NODES: ReadonlyArray<{ instanceId: string; address: string }> = [
  { instanceId: 'i-01c2d3e4f5a6b7c81', address: '10.0.32.4' },
  { instanceId: 'i-02c2d3e4f5a6b7c82', address: '10.0.33.4' },
  { instanceId: 'i-03c2d3e4f5a6b7c83', address: '10.0.34.4' },
  { instanceId: 'i-04c2d3e4f5a6b7c84', address: '10.0.32.5' },
  { instanceId: 'i-05c2d3e4f5a6b7c85', address: '10.0.33.5' },
  { instanceId: 'i-06c2d3e4f5a6b7c86', address: '10.0.34.5' },
]

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
