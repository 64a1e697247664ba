import type { Place } from '#core/permissions/needs.ts'

/** The installation that a policy is written for. */
export interface PolicyScope {
  readonly workspace: string
  readonly region: string
  readonly account: string
  /** By the tag `Name`, or the one instance that the configuration names. */
  readonly bastion: { readonly name: string } | { readonly id: string }
  readonly clusterName: string
  readonly trailName: string
  readonly bucketNames: readonly string[]
  /** What identifiers of its databases and of its caches look like, `*` for any text. */
  readonly databases: readonly string[]
  readonly caches: readonly string[]
  /** The bastion's Auto Scaling group. */
  readonly bastionGroup: string
  /** Of the functions' table, the key under which is written down what people do with the bastion. */
  readonly lifeKey: string
  /** In which the product keeps the logins of its datastores; undefined where its profile names none. */
  readonly loginSecret: string | undefined
  /** Where the function finds the policy of its snapshots. */
  readonly snapshotPolicyParameter: string
  /** The documents that tunnels are opened by; a name may end with `*`. */
  readonly portDocuments: readonly string[]
  /** The key of the session preferences, as they name it: an ARN, an id or an alias; undefined where they name none. */
  readonly sessionKey: string | undefined
  /** Of the functions: their table, and the alias of the key that signs the ledger. */
  readonly stateTable: string
  readonly ledgerAlias: string
}

/** A resource of a statement, and on which conditions. */
export interface Grant {
  /** Of the statement, beginning with what it lets one do. */
  readonly sid: string
  readonly resources: readonly string[]
  readonly condition?: Condition | undefined
}

/** Comparisons by operator, then by key. */
export type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>

/** The partition that a region belongs to. */
export function partitionOf(region: string): 'aws' | 'aws-cn' | 'aws-us-gov' {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** Whoever may start a session may otherwise use the default document without being allowed to. */
const CHECK_DOCUMENT = { BoolIfExists: { 'ssm:SessionDocumentAccessCheck': 'true' } } as const

/** The caller's own id: `AIDA…` of a user, `AROA…:NAME` of a role. */
const CALLER = '$' + '{aws:userid}'

/** The document in which an account keeps its session preferences, and its default shell. */
const PREFERENCES = 'SSM-SessionManagerRunShell'

/** What a place is in an installation; undefined where the installation has nothing of the kind. */
export function grantFor(place: Place, scope: PolicyScope): Grant | undefined {
  return GRANTS[place](scope)
}

const GRANTS: Readonly<Record<Place, (scope: PolicyScope) => Grant | undefined>> = {
  everything: () => ({ sid: 'Find', resources: ['*'] }),
  preferences: (scope) => ({ sid: 'ReadSessionPreferences', resources: [documentArn(scope, PREFERENCES)] }),
  bastion: (scope) => ({ sid: 'StartSessionsOnTheBastion', ...bastionGrant(scope) }),
  'shell document': (scope) => ({
    sid: 'ByTheShellDocument',
    resources: [documentArn(scope, PREFERENCES)],
    condition: CHECK_DOCUMENT,
  }),
  'port document': (scope) => ({
    sid: 'ByThePortDocuments',
    resources: scope.portDocuments.map((name) => documentArn(scope, name)),
    condition: CHECK_DOCUMENT,
  }),
  'command document': (scope) => ({
    sid: 'ByTheCommandDocument',
    resources: [documentArn(scope, 'AWS-StartNonInteractiveCommand')],
    condition: CHECK_DOCUMENT,
  }),
  'terminal document': (scope) => ({
    sid: 'ByTheTerminalDocument',
    resources: [documentArn(scope, 'AWS-StartInteractiveCommand')],
    condition: CHECK_DOCUMENT,
  }),
  'ssh document': (scope) => ({
    sid: 'ByTheSshDocument',
    resources: [documentArn(scope, 'AWS-StartSSHSession')],
    condition: CHECK_DOCUMENT,
  }),
  // Ids of sessions begin with a user's name or a role's session name, which is no part of a role's `aws:userid`; the
  // tag that the service itself gives them holds for both.
  'own sessions': (scope) => ({
    sid: 'EndAndResumeOwnSessions',
    resources: [arn(scope, 'ssm', 'session/*')],
    condition: { StringLike: { 'ssm:resourceTag/aws:ssmmessages:session-id': CALLER } },
  }),
  channels: (scope) => ({ sid: 'OpenDataChannels', resources: [arn(scope, 'ssm', 'session/*')] }),
  'session key': (scope) => sessionKeyGrant(scope),
  cluster: (scope) => ({
    sid: 'FindTheCluster',
    resources: [arn(scope, 'eks', `cluster/${scope.clusterName}`)],
  }),
  databases: (scope) => ({ sid: 'SeeDatabases', resources: [arn(scope, 'rds', '*')] }),
  // Snapshots are copied to other regions.
  'databases everywhere': (scope) => ({
    sid: 'SeeDatabasesAndSnapshots',
    resources: [arn(everywhere(scope), 'rds', '*')],
  }),
  caches: (scope) => ({ sid: 'SeeCaches', resources: [arn(scope, 'elasticache', '*')] }),
  buckets: ({ bucketNames, region }) => ({
    sid: 'SeeHowBucketsAreKept',
    resources: bucketNames.map((name) => `arn:${partitionOf(region)}:s3:::${name}`),
  }),
  trail: (scope) => ({
    sid: 'SeeTheTrail',
    resources: [arn(scope, 'cloudtrail', `trail/${scope.trailName}`)],
  }),
  // The id in the middle is the service's.
  'bastion group': (scope) => ({
    sid: 'ChangeTheBastionsGroup',
    resources: [arn(scope, 'autoscaling', `autoScalingGroup:*:autoScalingGroupName/${scope.bastionGroup}`)],
  }),
  'access entries': (scope) => ({
    sid: 'GiveRightsInTheCluster',
    resources: [arn(scope, 'eks', `access-entry/${scope.clusterName}/*`)],
  }),
  // Behind the name of a secret stand a dash and six characters.
  'login secret': (scope) =>
    scope.loginSecret === undefined
      ? undefined
      : {
          sid: 'ReadTheProductsLogins',
          resources: [arn(scope, 'secretsmanager', `secret:${scope.loginSecret}-??????`)],
        },
  // Their names say nothing of the database; RDS gives them a tag that does.
  'database secrets': (scope) => databaseSecrets(scope, 'db'),
  'database cluster secrets': (scope) => databaseSecrets(scope, 'cluster'),
  'snapshot policy': (scope) => ({
    sid: 'ChangeTheSnapshotPolicy',
    resources: [arn(scope, 'ssm', `parameter${scope.snapshotPolicyParameter}`)],
  }),
  'state table': (scope) => ({
    sid: 'ReadTheFunctionsState',
    resources: [arn(scope, 'dynamodb', `table/${scope.stateTable}`)],
  }),
  // What else is in the table is for the functions to write.
  'written state': (scope) => ({
    sid: 'WriteDownWhatIsDone',
    resources: [arn(scope, 'dynamodb', `table/${scope.stateTable}`)],
    condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': scope.lifeKey } },
  }),
  'ledger key': (scope) => ({
    sid: 'CheckTheLedgersSignature',
    resources: [arn(scope, 'kms', 'key/*')],
    condition: { StringEquals: { 'kms:RequestAlias': scope.ledgerAlias } },
  }),
  'any key': (scope) => ({ sid: 'SeeKeys', resources: [arn(everywhere(scope), 'kms', 'key/*')] }),
  'new database snapshots': (scope) => ({
    sid: 'MakeDatabaseSnapshots',
    resources: [
      ...['db', 'cluster'].flatMap((kind) =>
        scope.databases.map((name) => arn(scope, 'rds', `${kind}:${name}`)),
      ),
      ...['snapshot', 'cluster-snapshot'].map((kind) => arn(everywhere(scope), 'rds', `${kind}:pgctl-*`)),
    ],
  }),
  'new cache snapshots': (scope) => ({
    sid: 'MakeCacheSnapshots',
    resources: [
      ...['cluster', 'replicationgroup'].flatMap((kind) =>
        scope.caches.map((name) => arn(scope, 'elasticache', `${kind}:${name}`)),
      ),
      arn(scope, 'elasticache', 'snapshot:pgctl-*'),
    ],
  }),
  'own snapshots': (scope) => ({
    sid: 'ChangeOwnSnapshots',
    resources: [
      arn(everywhere(scope), 'rds', 'snapshot:*'),
      arn(everywhere(scope), 'rds', 'cluster-snapshot:*'),
      arn(scope, 'elasticache', 'snapshot:*'),
    ],
    condition: { StringEquals: { 'aws:ResourceTag/pgctl:installation': scope.workspace } },
  }),
  // What is restored has subnets, parameters and groups whose names are the originals' own.
  restored: (scope) => ({
    sid: 'RestoreBesideTheOriginals',
    resources: [arn(scope, 'rds', '*'), arn(scope, 'elasticache', '*')],
  }),
}

function bastionGrant(scope: PolicyScope): Pick<Grant, 'resources' | 'condition'> {
  const { bastion } = scope
  if ('name' in bastion)
    return {
      resources: [arn(scope, 'ec2', 'instance/*')],
      condition: { ...CHECK_DOCUMENT, StringEquals: { 'ssm:resourceTag/Name': bastion.name } },
    }
  const machine = bastion.id.startsWith('mi-')
    ? arn(scope, 'ssm', `managed-instance/${bastion.id}`)
    : arn(scope, 'ec2', `instance/${bastion.id}`)
  return { resources: [machine], condition: CHECK_DOCUMENT }
}

const SECRETS_OF = {
  db: { sid: 'ReadPasswordsThatRdsKeeps', tag: 'aws:rds:primaryDBInstanceArn' },
  cluster: { sid: 'ReadPasswordsOfDatabaseClusters', tag: 'aws:rds:primaryDBClusterArn' },
} as const

function databaseSecrets(scope: PolicyScope, kind: keyof typeof SECRETS_OF): Grant {
  const { sid, tag } = SECRETS_OF[kind]
  const owners = scope.databases.map((name) => arn(scope, 'rds', `${kind}:${name}`))
  return {
    sid,
    resources: [arn(scope, 'secretsmanager', `secret:rds!${kind}-*`)],
    condition: { StringLike: { [`aws:ResourceTag/${tag}`]: owners } },
  }
}

function sessionKeyGrant(scope: PolicyScope): Grant | undefined {
  const { sessionKey } = scope
  if (sessionKey === undefined) return undefined
  const sid = 'EncryptSessions'
  const alias = /(?:^|:)(alias\/.+)$/.exec(sessionKey)?.[1]
  if (alias !== undefined)
    return {
      sid,
      resources: [arn(scope, 'kms', 'key/*')],
      condition: { StringEquals: { 'kms:RequestAlias': alias } },
    }
  return {
    sid,
    resources: [sessionKey.startsWith('arn:') ? sessionKey : arn(scope, 'kms', `key/${sessionKey}`)],
  }
}

function arn({ partition, region, account }: ArnScope, service: string, resource: string): string {
  return `arn:${partition ?? partitionOf(region)}:${service}:${region}:${account}:${resource}`
}

interface ArnScope extends Pick<PolicyScope, 'region' | 'account'> {
  /** That of the region unless told. */
  readonly partition?: ReturnType<typeof partitionOf>
}

/** The same in every region of its partition. */
function everywhere({ region, account }: PolicyScope): ArnScope {
  return { partition: partitionOf(region), region: '*', account }
}

/** Documents of the service itself belong to no account. */
function documentArn(scope: PolicyScope, name: string): string {
  const account = name.startsWith('AWS-') ? '' : scope.account
  return arn({ ...scope, account }, 'ssm', `document/${name}`)
}
