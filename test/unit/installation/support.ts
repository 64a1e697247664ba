import type { PgctlError } from '#core/errors.ts'
import type { Bucket } from '#core/installation/buckets.ts'
import type { Datastore } from '#core/installation/datastores.ts'
import type { AgentStatus, Bastion, Cluster, Inventory, Trail } from '#core/installation/inventory.ts'
import type { Network } from '#core/installation/network.ts'

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

export const NETWORK: Network = {
  id: 'vpc-1',
  name: 'paragon-acme-5d1f0c2e-vpc',
  ranges: ['10.0.0.0/16'],
  subnets: [
    { id: 'subnet-1', name: undefined, zone: 'eu-central-1a', range: '10.0.16.0/24', kind: 'private' },
    { id: 'subnet-2', name: undefined, zone: 'eu-central-1b', range: '10.0.17.0/24', kind: 'private' },
    { id: 'subnet-3', name: undefined, zone: 'eu-central-1a', range: '10.0.0.0/24', kind: 'public' },
  ],
  routeTables: [
    {
      id: 'rtb-1',
      name: 'private',
      main: true,
      subnetIds: [],
      routes: [{ to: '0.0.0.0/0', via: 'nat-1', active: true }],
    },
    {
      id: 'rtb-2',
      name: 'public',
      main: false,
      subnetIds: ['subnet-3'],
      routes: [{ to: '0.0.0.0/0', via: 'igw-1', active: true }],
    },
  ],
  natGateways: [
    {
      id: 'nat-1',
      name: undefined,
      state: 'available',
      subnetId: 'subnet-3',
      regional: false,
      publicAddresses: ['203.0.113.9'],
    },
  ],
  internetGateways: [{ id: 'igw-1', name: undefined }],
  elasticAddresses: [{ id: 'eipalloc-1', name: undefined, address: '203.0.113.9', usedBy: 'eni-1' }],
  endpoints: [
    {
      id: 'vpce-1',
      name: undefined,
      service: 'com.amazonaws.eu-central-1.s3',
      type: 'gateway',
      state: 'available',
    },
  ],
}

/** A Postgres in good order, but for `values`. */
export function datastore(values: Partial<Datastore> = {}): Datastore {
  return {
    name: 'postgres',
    engine: 'postgres',
    id: 'paragon-acme-5d1f0c2e',
    product: 'postgres',
    version: '16.9',
    status: 'available',
    topology: 'instance',
    nodes: 1,
    zones: ['eu-central-1a'],
    multiZone: false,
    sizeClass: 'db.t4g.small',
    endpoints: [{ host: 'db.example', port: 5432 }],
    encryptedAtRest: true,
    encryptedInTransit: undefined,
    public: false,
    backupWindow: '06:00-07:00',
    maintenanceWindow: 'tue:04:00-tue:05:00',
    retentionDays: 7,
    vpcId: 'vpc-1',
    ...values,
  }
}

/** A bucket in good order, but for `values`. */
export function bucket(values: Partial<Bucket> = {}): Bucket {
  return {
    name: 'app',
    id: 'paragon-acme-5d1f0c2e-app',
    region: 'eu-central-1',
    versioning: 'on',
    noncurrentDays: 90,
    public: false,
    meantPublic: false,
    meantVersioned: true,
    ...values,
  }
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
