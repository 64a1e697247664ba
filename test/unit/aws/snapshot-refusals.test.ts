import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refusalReason } from '#core/aws/snapshot-refusals.ts'
import { HANDLING, type Handling } from '#core/snapshots/refusal.ts'

const OTHER = 'in the words of the service'

describe('refusalReason', () => {
  const table: [name: string, message: string, reason: string, handling: Handling][] = [
    ['DBSnapshotAlreadyExists', OTHER, 'exists', 'done'],
    ['DBClusterSnapshotAlreadyExists', OTHER, 'exists', 'done'],
    ['SnapshotAlreadyExists', OTHER, 'exists', 'done'],
    ['DBSnapshotNotFound', OTHER, 'gone', 'done'],
    ['DBClusterSnapshotNotFound', OTHER, 'gone', 'done'],
    ['SnapshotNotFound', OTHER, 'gone', 'done'],
    ['DBInstanceNotFound', OTHER, 'source-gone', 'never'],
    ['DBClusterNotFound', OTHER, 'source-gone', 'never'],
    ['CacheClusterNotFound', OTHER, 'source-gone', 'never'],
    ['ReplicationGroupNotFound', OTHER, 'source-gone', 'never'],
    ['InvalidDBInstanceState', OTHER, 'source-busy', 'next-tick'],
    ['InvalidDBClusterState', OTHER, 'source-busy', 'next-tick'],
    ['InvalidCacheClusterState', OTHER, 'source-busy', 'next-tick'],
    ['InvalidReplicationGroupState', OTHER, 'source-busy', 'next-tick'],
    ['InvalidDBSnapshotState', OTHER, 'snapshot-busy', 'next-tick'],
    ['InvalidDBClusterSnapshotState', OTHER, 'snapshot-busy', 'next-tick'],
    ['InvalidSnapshotState', OTHER, 'snapshot-busy', 'next-tick'],
    ['SnapshotQuotaExceeded', 'Cannot create more than 100 manual snapshots', 'snapshot-quota', 'never'],
    ['SnapshotQuotaExceeded', 'Cannot copy more than 5 snapshots across regions', 'copy-limit', 'next-tick'],
    ['SnapshotQuotaExceeded', 'would exceed the maximum number of snapshots', 'snapshot-quota', 'never'],
    ['TagQuotaPerResourceExceeded', OTHER, 'tag-quota', 'never'],
    ['KMSKeyNotAccessible', OTHER, 'key-unusable', 'never'],
    ['SnapshotFeatureNotSupported', OTHER, 'unsupported', 'never'],
    ['InvalidParameterValue', OTHER, 'invalid', 'never'],
    ['InvalidParameterCombination', OTHER, 'invalid', 'never'],
    ['AccessDenied', OTHER, 'denied', 'never'],
    ['ExpiredToken', OTHER, 'credentials', 'next-tick'],
    ['SignatureDoesNotMatch', 'Signature expired', 'credentials', 'next-tick'],
    ['Throttling', OTHER, 'throttled', 'now'],
    ['RequestLimitExceeded', OTHER, 'throttled', 'now'],
    ['InternalFailure', OTHER, 'unreachable', 'now'],
    ['ServiceUnavailable', OTHER, 'unreachable', 'now'],
    ['SomethingNobodyHasMet', OTHER, 'unknown', 'next-tick'],
  ]
  for (const [name, message, reason, handling] of table)
    it(`${name}, ${message}: ${reason}, ${handling}`, () => {
      // Both spellings are met: of the wire, and of the SDK's classes.
      for (const spelling of [name, `${name}Fault`, `${name}Exception`])
        assert.equal(refusalReason(spelling, message), reason, spelling)
      assert.equal(HANDLING[reason as keyof typeof HANDLING], handling)
    })
})
