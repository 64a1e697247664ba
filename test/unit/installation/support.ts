import type { PgctlError } from '#core/errors.ts'
import type { AgentStatus, Bastion, Cluster, Inventory, Trail } from '#core/installation/inventory.ts'

export const NOW = Date.parse('2026-11-23T10:00:00Z')
export const MINUTE = 60_000

export const ONLINE: AgentStatus = {
  kind: 'registered',
  ping: 'online',
  lastPing: NOW - MINUTE,
  version: '3.3.5102.0',
}
export const LOST: AgentStatus = { ...ONLINE, ping: 'connection-lost', lastPing: NOW - 120 * MINUTE }

export function bastion(values: Partial<Bastion> = {}): Bastion {
  return {
    id: 'i-0a1b2c3d4e5f60718',
    name: 'paragon-acme-5d1f0c2e-bastion',
    state: 'running',
    launchedAt: NOW - 600 * MINUTE,
    privateAddress: '10.0.16.20',
    publicAddress: undefined,
    role: 'paragon-acme-5d1f0c2e-bastion',
    zone: 'eu-central-1a',
    subnetId: 'subnet-1',
    securityGroups: ['sg-1'],
    group: 'paragon-acme-5d1f0c2e-bastion',
    agent: ONLINE,
    ...values,
  }
}

export const CLUSTER: Cluster = {
  name: 'paragon-acme-5d1f0c2e',
  host: 'a1b2.gr7.eu-central-1.eks.amazonaws.com',
  port: 443,
  ca: '-----BEGIN CERTIFICATE-----',
  version: '1.35',
  status: 'active',
  vpcId: 'vpc-1',
  publicAccess: [],
}

export const TRAIL: Trail = {
  name: 'paragon-acme-5d1f0c2e-cloudtrail',
  logging: true,
  allRegions: true,
  bucket: 'paragon-acme-5d1f0c2e-logs',
  validated: true,
}

export function inventory(values: Partial<Inventory> = {}): Inventory {
  return {
    workspace: 'paragon-acme-5d1f0c2e',
    region: 'eu-central-1',
    bastions: [bastion()],
    bastionGroups: [],
    securityGroups: [],
    cluster: CLUSTER,
    network: undefined,
    loadBalancers: [],
    datastores: [],
    buckets: [],
    trail: TRAIL,
    contents: undefined,
    unreadable: [],
    ...values,
  }
}

/** The error that `action` throws; fails where it throws none. */
export function thrownBy(action: () => unknown): PgctlError {
  try {
    action()
  } catch (error) {
    return error as PgctlError
  }
  throw new Error('nothing was thrown')
}
