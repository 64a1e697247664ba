import type { RefusalReason } from '#core/snapshots/refusal.ts'

/**
 * What the refusals of RDS and ElastiCache mean for a snapshot run. The services and the SDK spell one error with and
 * without `Fault` or `Exception` behind it: names are compared without.
 */
const REASONS: readonly (readonly [RefusalReason, readonly string[]])[] = [
  ['exists', ['DBSnapshotAlreadyExists', 'DBClusterSnapshotAlreadyExists', 'SnapshotAlreadyExists']],
  ['gone', ['DBSnapshotNotFound', 'DBClusterSnapshotNotFound', 'SnapshotNotFound']],
  [
    'source-gone',
    ['DBInstanceNotFound', 'DBClusterNotFound', 'CacheClusterNotFound', 'ReplicationGroupNotFound'],
  ],
  [
    'source-busy',
    [
      ...['InvalidDBInstanceState', 'InvalidDBClusterState'],
      ...['InvalidCacheClusterState', 'InvalidReplicationGroupState'],
    ],
  ],
  ['snapshot-busy', ['InvalidDBSnapshotState', 'InvalidDBClusterSnapshotState', 'InvalidSnapshotState']],
  ['snapshot-quota', ['SnapshotQuotaExceeded', 'DBClusterSnapshotQuotaExceeded']],
  ['tag-quota', ['TagQuotaPerResourceExceeded']],
  ['key-unusable', ['KMSKeyNotAccessible', 'KMSKeyDisabled', 'InvalidKMSKey']],
  ['unsupported', ['SnapshotFeatureNotSupported']],
  ['exists', ['DBInstanceAlreadyExists', 'DBClusterAlreadyExists']],
  ['exists', ['CacheClusterAlreadyExists', 'ReplicationGroupAlreadyExists']],
  [
    'quota',
    [
      ...['InstanceQuotaExceeded', 'StorageQuotaExceeded', 'DBClusterQuotaExceeded'],
      ...['NodeQuotaForClusterExceeded', 'NodeQuotaForCustomerExceeded', 'ClusterQuotaForCustomerExceeded'],
      'NodeGroupsPerReplicationGroupQuotaExceeded',
    ],
  ],
  [
    'no-capacity',
    [
      ...['InsufficientDBInstanceCapacity', 'InsufficientDBClusterCapacity'],
      ...['InsufficientStorageClusterCapacity', 'InsufficientCacheClusterCapacity'],
    ],
  ],
  [
    'invalid',
    [
      'InvalidParameterValue',
      'InvalidParameterCombination',
      'Validation',
      'ValidationError',
      'MissingParameter',
    ],
  ],
  ['denied', ['AccessDenied', 'UnauthorizedOperation', 'NotAuthorized', 'OptInRequired']],
  [
    'credentials',
    [
      'ExpiredToken',
      'RequestExpired',
      'InvalidClientTokenId',
      'UnrecognizedClient',
      'SignatureDoesNotMatch',
      'RequestTimeTooSkewed',
      'MissingAuthenticationToken',
      'IncompleteSignature',
    ],
  ],
  [
    'throttled',
    [
      'Throttling',
      'Throttled',
      'ThrottlingError',
      'RequestLimitExceeded',
      'TooManyRequests',
      'RequestThrottled',
    ],
  ],
  [
    'unreachable',
    [
      'InternalFailure',
      'InternalError',
      'InternalServerError',
      'ServiceUnavailable',
      'Timeout',
      'TimeoutError',
    ],
  ],
]

const REASON_OF = new Map(REASONS.flatMap(([reason, names]) => names.map((name) => [name, reason] as const)))

/** One code for two things: too many snapshots, or too many copies on their way. Only the message tells. */
const COPY_QUOTA = /cannot copy more than|copies? in progress|across regions/i

/** What a refusal means, by the name that the service gives it and its words. */
export function refusalReason(name: string, message: string): RefusalReason {
  const reason = REASON_OF.get(name) ?? REASON_OF.get(name.replace(/(Fault|Exception)+$/, '')) ?? 'unknown'
  return reason === 'snapshot-quota' && COPY_QUOTA.test(message) ? 'copy-limit' : reason
}
