import { pod, type World } from './installation.ts'
import { zonalSubnets } from './subnets.ts'

const WORKSPACE = 'paragon-globex-91b7e04d'
const ACCOUNT = '444455556666'
const REGION = 'us-east-1'

/** Multi-tenant and unmanaged: a database for each part of the product, and an account that is entered by a role. */
export const GLOBEX = {
  account: ACCOUNT,
  region: REGION,
  organization: 'globex',
  workspace: WORKSPACE,
  managed: false,
  role: {
    arn: `arn:aws:iam::${ACCOUNT}:role/${WORKSPACE}-operator`,
    externalId: 'globex-7c41',
    trusted: '111122223333',
  },
  network: {
    vpcId: 'vpc-07a1e5c93d0b8f462',
    cidr: '10.20.0.0/16',
    subnets: [
      ...zonalSubnets(WORKSPACE, 'private', '10.20', 16, 'ab'),
      ...zonalSubnets(WORKSPACE, 'public', '10.20', 0, 'ab'),
    ],
    nat: 'zonal',
  },
  bastion: {
    instanceId: 'i-0c4f8a2b6d1e93705',
    name: `${WORKSPACE}-bastion`,
    address: '10.20.16.14',
    role: `${WORKSPACE}-bastion`,
    agentVersion: '3.3.5102.0',
  },
  replacement: { instanceId: 'i-0d5a9b3c7e2fa4816', address: '10.20.17.61' },
  nodes: [
    { instanceId: 'i-0e1f2a3b4c5d6e7f1', address: '10.20.16.40' },
    { instanceId: 'i-0e1f2a3b4c5d6e7f2', address: '10.20.17.40' },
    { instanceId: 'i-0e1f2a3b4c5d6e7f3', address: '10.20.16.41' },
    { instanceId: 'i-0e1f2a3b4c5d6e7f4', address: '10.20.17.41' },
  ],
  cluster: {
    name: WORKSPACE,
    host: `0f9e8d7c6b5a493827160f5e4d3c2b1a.yl4.${REGION}.eks.amazonaws.com`,
    version: '1.34',
  },
  pods: [
    pod('hermes-58c6f4d9b7-2mhtq', '10.20.16.121'),
    pod('hermes-58c6f4d9b7-xw7kd', '10.20.17.122'),
    pod('cerberus-6b8d7f5c94-q9z4r', '10.20.17.131'),
  ],
  databases: [
    database('cerberus', 'db.t4g.medium', 50, true, 'a'),
    database('hermes', 'db.r7g.large', 200, true, 'b'),
    { ...database('zeus', 'db.r7g.large', 200, true, 'a'), takesTokens: true },
    database('eventlogs', 'db.r7g.xlarge', 1000, true, 'b'),
    database('triggerkit', 'db.t4g.medium', 50, false, 'a'),
    { ...database('managed-sync', 'db.r7g.large', 400, true, 'b'), keepsPassword: true },
  ],
  caches: [
    { kind: 'cluster', id: `${WORKSPACE}-redis-queue`, type: 'cache.r7g.large', zone: 'a' },
    { kind: 'cluster', id: `${WORKSPACE}-redis-system`, type: 'cache.t4g.medium', zone: 'b' },
    { kind: 'group', id: `${WORKSPACE}-redis-cache`, type: 'cache.r7g.large', shards: 2, replicas: 1 },
    {
      kind: 'group',
      id: `${WORKSPACE}-redis-sync`,
      type: 'cache.t4g.medium',
      shards: 1,
      replicas: 1,
      asksPassword: true,
    },
  ],
  kafka: { name: WORKSPACE, version: '3.8.x', type: 'kafka.m7g.large', brokers: 2 },
  buckets: [
    { name: `${WORKSPACE}-app`, versioned: true, public: false, expiresAfter: 90 },
    { name: `${WORKSPACE}-cdn`, versioned: true, public: true, expiresAfter: undefined },
    { name: `${WORKSPACE}-logs`, versioned: false, public: false, expiresAfter: undefined },
    { name: `${WORKSPACE}-auditlogs`, versioned: true, public: false, expiresAfter: 365 },
    { name: `${WORKSPACE}-managed-sync`, versioned: true, public: false, expiresAfter: 90 },
  ],
  kmsKeyArn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/0b7d3f52-96c8-4e1a-8d24-c1f5a06e9b37`,
} as const satisfies World

function database(part: string, type: string, storage: number, multiZone: boolean, zone: string) {
  return { id: `${WORKSPACE}-${part}`, class: type, version: '18.6', storage, multiZone, zone }
}
