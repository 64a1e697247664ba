/**
 * Which call of AWS each command makes, and on what: the one table from which policies are written, and which a test
 * holds against what the commands really call.
 */

/** What a call is about, which `places.ts` makes into ARNs and conditions of an installation. */
export type Place =
  /** Calls that know no resources. */
  | 'everything'
  | 'preferences'
  | 'bastion'
  | 'shell document'
  | 'port document'
  | 'command document'
  | 'terminal document'
  | 'ssh document'
  | 'own sessions'
  | 'channels'
  | 'session key'
  | 'cluster'
  | 'databases'
  | 'databases everywhere'
  | 'caches'
  | 'buckets'
  | 'trail'
  | 'bastion group'
  | 'access entries'
  | 'login secret'
  | 'database secrets'
  | 'database cluster secrets'
  | 'snapshot policy'
  | 'state table'
  | 'written state'
  | 'ledger key'
  | 'any key'
  | 'new database snapshots'
  | 'new cache snapshots'
  | 'own snapshots'
  | 'restored'

export interface Need {
  /** As a policy spells it: `ssm:StartSession`. */
  readonly action: string
  readonly on: Place
}

function all(on: Place, ...actions: readonly string[]): readonly Need[] {
  return actions.map((action) => ({ action, on }))
}

/** The bastion, by its agent, or by its machine where no agent answers or several do. */
const FIND_BASTION = all('everything', 'ssm:DescribeInstanceInformation', 'ec2:DescribeInstances')

/** One session, its losses and its end, by whichever document. */
const SESSION: readonly Need[] = [
  ...all('preferences', 'ssm:GetDocument'),
  ...FIND_BASTION,
  ...all('bastion', 'ssm:StartSession'),
  ...all('channels', 'ssmmessages:OpenDataChannel'),
  ...all('own sessions', 'ssm:ResumeSession', 'ssm:TerminateSession'),
]

/** Agents ask for the key of the preferences in sessions of shells and commands, and never in one of ports. */
const ENCRYPTED: readonly Need[] = [...SESSION, ...all('session key', 'kms:GenerateDataKey')]

const PORTS: readonly Need[] = [...SESSION, ...all('port document', 'ssm:StartSession')]
const CLUSTER: readonly Need[] = [...PORTS, ...all('cluster', 'eks:DescribeCluster')]
const COMMAND: readonly Need[] = [...ENCRYPTED, ...all('command document', 'ssm:StartSession')]

const FIND_DATABASES: readonly Need[] = all('databases', 'rds:DescribeDBInstances')
const FIND_CACHES: readonly Need[] = all(
  'caches',
  'elasticache:DescribeCacheClusters',
  'elasticache:DescribeReplicationGroups',
)

/** Datastores by name. */
const FIND_DATASTORES: readonly Need[] = [
  ...FIND_DATABASES,
  ...FIND_CACHES,
  ...all('everything', 'kafka:ListClustersV2', 'kafka:GetBootstrapBrokers'),
]

const TUNNEL: readonly Need[] = [...CLUSTER, ...FIND_DATASTORES]

/** The group of a bastion, and how far its machines are. */
const SEE_GROUP: readonly Need[] = [
  ...all('everything', 'autoscaling:DescribeAutoScalingGroups', 'ec2:DescribeLaunchTemplateVersions'),
  ...FIND_BASTION,
]

/** What a bastion does, and who is on it. */
const SEE_LIFE: readonly Need[] = [
  ...SEE_GROUP,
  ...all('everything', 'ec2:DescribeImages', 'ssm:DescribeSessions'),
  ...all('state table', 'dynamodb:GetItem'),
]

/** What people do with a bastion is written down. */
const WRITE_LIFE: readonly Need[] = [
  ...all('state table', 'dynamodb:GetItem'),
  ...all('written state', 'dynamodb:PutItem'),
]

const SURROUNDINGS: readonly Need[] = all(
  'everything',
  ...['Vpcs', 'Subnets', 'RouteTables', 'NatGateways', 'InternetGateways', 'Addresses', 'VpcEndpoints'].map(
    (what) => `ec2:Describe${what}`,
  ),
  'ec2:DescribeSecurityGroups',
  'autoscaling:DescribeAutoScalingGroups',
  'elasticloadbalancing:DescribeLoadBalancers',
  'cloudtrail:DescribeTrails',
  's3:ListAllMyBuckets',
)

const BUCKETS: readonly Need[] = [
  ...all('trail', 'cloudtrail:GetTrailStatus'),
  ...all(
    'buckets',
    ...['s3:GetBucketVersioning', 's3:GetLifecycleConfiguration', 's3:GetBucketPublicAccessBlock'],
    ...['s3:GetBucketPolicyStatus', 's3:GetBucketAcl'],
  ),
]

const SEE_SNAPSHOTS: readonly Need[] = [
  ...all(
    'databases everywhere',
    'rds:DescribeDBInstances',
    'rds:DescribeDBClusters',
    'rds:DescribeDBSnapshots',
  ),
  ...all('databases everywhere', 'rds:DescribeDBClusterSnapshots'),
  ...all('caches', 'elasticache:DescribeCacheClusters', 'elasticache:DescribeReplicationGroups'),
  ...all('caches', 'elasticache:DescribeSnapshots', 'elasticache:ListTagsForResource'),
  ...all('everything', 'rds:DescribeAccountAttributes'),
  ...all('buckets', 's3:GetBucketVersioning', 's3:GetLifecycleConfiguration'),
]

/** What each command needs; a name that is the beginning of others' stands for none of them. */
export const NEEDS = {
  status: [...CLUSTER, ...FIND_DATASTORES, ...SURROUNDINGS, ...BUCKETS],
  doctor: [
    ...CLUSTER,
    ...COMMAND,
    ...FIND_DATASTORES,
    ...all('shell document', 'ssm:StartSession'),
    // Whether a bastion that does not answer is only stopped, its group says.
    ...SEE_GROUP,
    ...all('everything', 'ec2:DescribeSecurityGroups'),
    ...all('everything', 'ec2:DescribeInstanceConnectEndpoints', 'ec2:GetSerialConsoleAccessStatus'),
  ],
  sessions: all('everything', 'ssm:DescribeSessions'),
  'sessions end': [
    ...all('everything', 'ssm:DescribeSessions'),
    ...all('own sessions', 'ssm:TerminateSession'),
  ],
  tunnel: TUNNEL,
  'tunnel run': TUNNEL,
  proxy: [...TUNNEL, ...COMMAND],
  targets: FIND_DATASTORES,
  // Entering by a token is a right to one user of one database, and no name tells which: README.md says how it looks.
  psql: [
    ...CLUSTER,
    ...FIND_DATABASES,
    ...all('databases', 'rds:DescribeDBClusters'),
    ...all('login secret', 'secretsmanager:GetSecretValue'),
    ...all('database secrets', 'secretsmanager:GetSecretValue'),
    ...all('database cluster secrets', 'secretsmanager:GetSecretValue'),
  ],
  redis: [...CLUSTER, ...FIND_CACHES, ...all('login secret', 'secretsmanager:GetSecretValue')],
  logs: CLUSTER,
  exec: COMMAND,
  login: [...ENCRYPTED, ...all('shell document', 'ssm:StartSession')],
  cp: [...COMMAND, ...all('terminal document', 'ssm:StartSession')],
  'ssh-proxy': [...PORTS, ...COMMAND, ...all('ssh document', 'ssm:StartSession')],
  kubeconfig: CLUSTER,
  kubectl: CLUSTER,
  helm: CLUSTER,
  run: CLUSTER,
  shell: CLUSTER,
  'analytics status': CLUSTER,
  'analytics on': CLUSTER,
  'analytics off': CLUSTER,
  'egress list': all('state table', 'dynamodb:GetItem'),
  'egress verify': all('state table', 'dynamodb:GetItem'),
  'egress checkpoint': [...all('state table', 'dynamodb:GetItem'), ...all('ledger key', 'kms:GetPublicKey')],
  'snapshots plan': SEE_SNAPSHOTS,
  'snapshots list': SEE_SNAPSHOTS,
  'snapshots show': SEE_SNAPSHOTS,
  'snapshots calendar': SEE_SNAPSHOTS,
  'snapshots forecast': SEE_SNAPSHOTS,
  'snapshots policy': [...SEE_SNAPSHOTS, ...all('snapshot policy', 'ssm:GetParameter', 'ssm:PutParameter')],
  'snapshots verify': [...SEE_SNAPSHOTS, ...CLUSTER, ...all('any key', 'kms:DescribeKey')],
  'snapshots create': [
    ...SEE_SNAPSHOTS,
    ...CLUSTER,
    ...all('new database snapshots', 'rds:CreateDBSnapshot', 'rds:CreateDBClusterSnapshot'),
    ...all('new database snapshots', 'rds:CopyDBSnapshot', 'rds:CopyDBClusterSnapshot'),
    ...all('new database snapshots', 'rds:AddTagsToResource'),
    ...all('new cache snapshots', 'elasticache:CreateSnapshot', 'elasticache:AddTagsToResource'),
  ],
  'snapshots pin': [
    ...SEE_SNAPSHOTS,
    ...all('own snapshots', 'rds:AddTagsToResource', 'rds:RemoveTagsFromResource'),
    ...all('own snapshots', 'elasticache:AddTagsToResource', 'elasticache:RemoveTagsFromResource'),
  ],
  'snapshots prune': [
    ...SEE_SNAPSHOTS,
    ...all('own snapshots', 'rds:DeleteDBSnapshot', 'rds:DeleteDBClusterSnapshot'),
    ...all('own snapshots', 'elasticache:DeleteSnapshot'),
  ],
  'snapshots restore': [
    ...SEE_SNAPSHOTS,
    ...all('restored', 'rds:RestoreDBInstanceFromDBSnapshot', 'rds:AddTagsToResource'),
    ...all('restored', 'rds:RestoreDBClusterFromSnapshot', 'rds:CreateDBInstance'),
    ...all('restored', 'elasticache:CreateCacheCluster', 'elasticache:CreateReplicationGroup'),
    ...all('restored', 'elasticache:AddTagsToResource'),
  ],
  'bastion status': SEE_LIFE,
  'bastion hold': [...SEE_GROUP, ...WRITE_LIFE],
  'bastion release': WRITE_LIFE,
  'bastion elevate': [
    ...WRITE_LIFE,
    ...all('access entries', 'eks:AssociateAccessPolicy', 'eks:DisassociateAccessPolicy'),
  ],
  'bastion refresh': [
    ...SEE_LIFE,
    ...WRITE_LIFE,
    ...all('bastion group', 'autoscaling:TerminateInstanceInAutoScalingGroup'),
  ],
  'bastion stop': [
    ...SEE_LIFE,
    ...WRITE_LIFE,
    ...all('bastion group', 'autoscaling:UpdateAutoScalingGroup', 'autoscaling:CreateOrUpdateTags'),
  ],
  'bastion start': [
    ...SEE_GROUP,
    ...all('everything', 'ec2:DescribeImages'),
    ...WRITE_LIFE,
    ...all('bastion group', 'autoscaling:UpdateAutoScalingGroup', 'autoscaling:DeleteTags'),
  ],
} as const satisfies Readonly<Record<string, readonly Need[]>>

export type CommandWithNeeds = keyof typeof NEEDS

/** The commands that a word of `--for` stands for: the one of that name, or all of a topic. */
export function commandsFor(word: string): readonly CommandWithNeeds[] {
  const exact = COMMANDS.filter((name) => name === word)
  return exact.length > 0 ? exact : COMMANDS.filter((name) => name.startsWith(`${word} `))
}

export const COMMANDS = Object.keys(NEEDS) as readonly CommandWithNeeds[]

/** All that these commands need, each need once. */
export function needsOf(commands: readonly CommandWithNeeds[]): readonly Need[] {
  const needs = new Map<string, Need>()
  for (const command of commands)
    for (const need of NEEDS[command]) needs.set(`${need.on} ${need.action}`, need)
  return [...needs.values()]
}
