import { pod, type World } from './installation.ts'
import { zonalSubnets } from './subnets.ts'

const WORKSPACE = 'paragon-acme-5d1f0c2e'
const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'

/** On premise and managed: one Postgres, one Redis, in the operator's own account. */
export const ACME = {
  account: ACCOUNT,
  region: REGION,
  organization: 'acme',
  workspace: WORKSPACE,
  managed: true,
  role: undefined,
  network: {
    vpcId: 'vpc-0c4de3a91b7f25e08',
    cidr: '10.0.0.0/16',
    subnets: [
      {
        subnetId: 'subnet-0b8d6f2c5a9e41703',
        name: `${WORKSPACE}-private-bastion`,
        kind: 'private',
        zone: 'a',
        cidr: '10.0.16.0/24',
      },
      ...zonalSubnets(WORKSPACE, 'private', '10.0', 32, 'abc'),
      ...zonalSubnets(WORKSPACE, 'public', '10.0', 0, 'abc'),
    ],
    nat: 'single',
  },
  bastion: {
    instanceId: 'i-0a1b2c3d4e5f60718',
    name: `${WORKSPACE}-bastion`,
    address: '10.0.16.20',
    role: `${WORKSPACE}-bastion`,
    agentVersion: '3.3.5102.0',
  },
  replacement: { instanceId: 'i-0f9e8d7c6b5a49382', address: '10.0.16.77' },
  nodes: [
    { instanceId: 'i-01c2d3e4f5a6b7c81', address: '10.0.32.4' },
    { instanceId: 'i-02c2d3e4f5a6b7c82', address: '10.0.33.4' },
    { instanceId: 'i-03c2d3e4f5a6b7c83', address: '10.0.34.4' },
    { instanceId: 'i-04c2d3e4f5a6b7c84', address: '10.0.32.5' },
    { instanceId: 'i-05c2d3e4f5a6b7c85', address: '10.0.33.5' },
    { instanceId: 'i-06c2d3e4f5a6b7c86', address: '10.0.34.5' },
  ],
  cluster: {
    name: WORKSPACE,
    host: `a1b2c3d4e5f60718293a4b5c6d7e8f90.gr7.${REGION}.eks.amazonaws.com`,
    version: '1.35',
  },
  pods: [
    pod('grafana-6c7f9d8b54-x2x9q', '10.0.32.10'),
    pod('hermes-7d9c5b6f48-4kzlp', '10.0.32.21'),
    pod('hermes-7d9c5b6f48-9m2fw', '10.0.33.22', 1),
    pod('hermes-7d9c5b6f48-tq6vd', '10.0.34.23'),
    pod('cerberus-5f4d9c7b66-b8n4h', '10.0.33.31'),
    pod('payload-84b5d7c9f7-zz5rk', '10.0.32.40'),
  ],
  databases: [
    { id: WORKSPACE, class: 'db.t4g.small', version: '18.6', storage: 20, multiZone: false, zone: 'b' },
  ],
  caches: [{ kind: 'cluster', id: `${WORKSPACE}-redis`, type: 'cache.t4g.small', zone: 'a' }],
  kafka: undefined,
  buckets: [
    { name: `${WORKSPACE}-app`, versioned: true, public: false, expiresAfter: 90 },
    { name: `${WORKSPACE}-cdn`, versioned: true, public: true, expiresAfter: undefined },
    { name: `${WORKSPACE}-logs`, versioned: false, public: false, expiresAfter: undefined },
    { name: `${WORKSPACE}-auditlogs`, versioned: true, public: false, expiresAfter: 365 },
  ],
  kmsKeyArn: `arn:aws:kms:${REGION}:${ACCOUNT}:key/5d0a2c8e-71f4-4b09-9c36-0e1a7b2f4d85`,
} as const satisfies World
