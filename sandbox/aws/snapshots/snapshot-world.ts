import type { Ms } from '#core/clock.ts'
import { AwsError } from '../aws-error.ts'

/**
 * Snapshots of RDS and ElastiCache as AWS documents its rules: names, states, quotas, what may be done when. Time is an
 * argument: what has been begun is through as soon as enough of it has passed.
 *
 * Peers accept several of these things wrongly or lack them (copies, quotas, states), so the rules stand here.
 */
export type Family = 'db' | 'db-cluster' | 'cache'

export interface ModelSource {
  readonly family: Family
  readonly region: string
  readonly id: string
  /** The provider's word: `available`, `modifying`… */
  status: string
  readonly kmsKeyId: string | undefined
  /** Nodes of a cache; the quota counts for each. */
  readonly nodes?: number
  /** Of a cache: whether it is a replication group in cluster mode. */
  readonly clusterMode?: boolean
}

export interface ModelSnapshot {
  readonly family: Family
  readonly region: string
  readonly name: string
  readonly source: string
  readonly manual: boolean
  readonly kmsKeyId: string | undefined
  readonly tags: Record<string, string>
  /** When it was asked for. */
  readonly createdAt: Ms
  /** When the data was taken: a copy has its original's. */
  readonly takenAt: Ms
  /** When it becomes available. */
  readonly readyAt: Ms
  readonly copied: boolean
}

export interface SnapshotRules {
  /** Manual snapshots of each RDS family in a region. */
  readonly manualLimit: number
  /** Backups of a node in 24 hours. */
  readonly cacheDailyLimit: number
  /** Copies on their way into a region. */
  readonly copyLimit: number
  /** How long a snapshot is `creating`. */
  readonly takes: Ms
  /** How long a new one does not show in listings. */
  readonly lag: Ms
}

export const DEFAULT_RULES: SnapshotRules = {
  ...{ manualLimit: 100, cacheDailyLimit: 20, copyLimit: 5 },
  ...{ takes: 20_000, lag: 0 },
}

const DAY: Ms = 86_400_000
const MOST_TAGS = 50
/** Names by family; cluster snapshots and caches are stored in lower case. */
const NAMES: Readonly<Record<Family, { readonly pattern: RegExp; readonly most: number }>> = {
  db: { pattern: /^[a-z](-?[a-z0-9])*$/i, most: 255 },
  'db-cluster': { pattern: /^[a-z](-?[a-z0-9])*$/i, most: 63 },
  cache: { pattern: /^[a-z](-?[a-z0-9])*$/i, most: 40 },
}

export class SnapshotWorld {
  readonly rules: SnapshotRules
  readonly #sources = new Map<string, ModelSource>()
  readonly #snapshots = new Map<string, ModelSnapshot>()
  /** Keys that are disabled or gone: nothing encrypted by them can be made or copied. */
  readonly disabledKeys = new Set<string>()
  /** Backups of caches that were begun, by source: what is deleted gives none back. */
  readonly #cacheBackups = new Map<string, Ms[]>()

  constructor(rules: Partial<SnapshotRules> = {}) {
    this.rules = { ...DEFAULT_RULES, ...rules }
  }

  addSource(source: ModelSource): ModelSource {
    this.#sources.set(keyOf(source.family, source.region, source.id), source)
    return source
  }

  removeSource(family: Family, region: string, id: string): void {
    this.#sources.delete(keyOf(family, region, id))
  }

  /** Puts a snapshot there as it is, whoever made it. */
  put(snapshot: ModelSnapshot): void {
    this.#snapshots.set(keyOf(snapshot.family, snapshot.region, snapshot.name), snapshot)
  }

  /** All that shows at `now`, in the order of names. */
  list(family: Family, region: string, now: Ms): ModelSnapshot[] {
    return [...this.#snapshots.values()]
      .filter((each) => each.family === family && each.region === region)
      .filter(({ createdAt }) => now >= createdAt + this.rules.lag)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  stateOf({ readyAt, copied, family }: ModelSnapshot, now: Ms): 'creating' | 'copying' | 'available' {
    if (now >= readyAt) return 'available'
    return copied && family !== 'db' ? 'copying' : 'creating'
  }

  create(
    request: { family: Family; region: string; source: string; name: string; tags: Record<string, string> },
    now: Ms,
  ): ModelSnapshot {
    const { family, region, tags } = request
    const name = this.#checkName(family, request.name)
    const source = this.#sources.get(keyOf(family, region, request.source.toLowerCase()))
    if (source === undefined) throw REFUSALS.noSource(family, request.source)
    this.#checkTags(tags)
    this.#checkFree(family, region, name)
    this.#checkReady(source, now)
    this.#checkQuota(family, region, source, now)
    this.#checkKey(source.kmsKeyId)
    if (family === 'cache')
      this.#cacheBackups.set(source.id, [...(this.#cacheBackups.get(source.id) ?? []), now])
    const { kmsKeyId } = source
    const made = { family, region, name, source: source.id, manual: true, kmsKeyId, tags: { ...tags } }
    const snapshot = { ...made, createdAt: now, takenAt: now, readyAt: now + this.rules.takes, copied: false }
    this.put(snapshot)
    return snapshot
  }

  /** Called in the region that the copy goes to. */
  copy(
    request: {
      family: 'db' | 'db-cluster'
      region: string
      from: { region: string; name: string }
      name: string
      kmsKeyId: string | undefined
      tags: Record<string, string>
    },
    now: Ms,
  ): ModelSnapshot {
    const { family, region, from, kmsKeyId, tags } = request
    const name = this.#checkName(family, request.name)
    const original = this.#snapshots.get(keyOf(family, from.region, from.name.toLowerCase()))
    if (original === undefined) throw REFUSALS.noSnapshot(family, from.name)
    this.#checkTags(tags)
    this.#checkFree(family, region, name)
    if (this.stateOf(original, now) !== 'available') throw REFUSALS.snapshotState(family, from.name)
    if (original.kmsKeyId !== undefined && from.region !== region && kmsKeyId === undefined)
      throw new AwsError(
        'InvalidParameterCombination',
        'PreSignedUrl and KmsKeyId are needed to copy an encrypted snapshot',
      )
    this.#checkKey(kmsKeyId)
    const underWay = this.#of(family, region).filter((each) => each.copied && now < each.readyAt).length
    if (underWay >= this.rules.copyLimit)
      throw new AwsError(
        'SnapshotQuotaExceeded',
        `Cannot copy more than ${this.rules.copyLimit} snapshots across regions`,
      )
    this.#checkManual(family, region)
    const made = { family, region, name, source: original.source, manual: true, kmsKeyId, tags: { ...tags } }
    const { takenAt } = original
    const snapshot = { ...made, createdAt: now, takenAt, readyAt: now + this.rules.takes, copied: true }
    this.put(snapshot)
    return snapshot
  }

  remove(family: Family, region: string, name: string, now: Ms): ModelSnapshot {
    const key = keyOf(family, region, name.toLowerCase())
    const snapshot = this.#snapshots.get(key)
    if (snapshot === undefined) throw REFUSALS.noSnapshot(family, name)
    if (!snapshot.manual || this.stateOf(snapshot, now) !== 'available')
      throw REFUSALS.snapshotState(family, name)
    this.#snapshots.delete(key)
    return snapshot
  }

  #of(family: Family, region: string): ModelSnapshot[] {
    return [...this.#snapshots.values()].filter((each) => each.family === family && each.region === region)
  }

  #checkName(family: Family, name: string): string {
    const { pattern, most } = NAMES[family]
    if (pattern.test(name) && name.length <= most) return name.toLowerCase()
    throw new AwsError(
      'InvalidParameterValue',
      `The parameter ${PARAMETER[family]} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.`,
    )
  }

  #checkTags(tags: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(tags))
      if (
        !/^[\p{L}\p{N} _.:/=+\-@]{1,128}$/u.test(key) ||
        !/^[\p{L}\p{N} _.:/=+\-@]{0,256}$/u.test(value) ||
        /^(aws|rds):/i.test(key)
      )
        throw new AwsError('InvalidParameterValue', `Tag ${key} is not valid`)
    if (Object.keys(tags).length > MOST_TAGS)
      throw new AwsError('TagQuotaPerResourceExceeded', `A resource has at most ${MOST_TAGS} tags`)
  }

  #checkFree(family: Family, region: string, name: string): void {
    if (!this.#snapshots.has(keyOf(family, region, name))) return
    if (family === 'cache')
      throw new AwsError('SnapshotAlreadyExistsFault', `Snapshot with specified name already exists: ${name}`)
    const what = family === 'db' ? 'DBSnapshot' : 'DBClusterSnapshot'
    throw new AwsError(
      family === 'db' ? 'DBSnapshotAlreadyExists' : 'DBClusterSnapshotAlreadyExistsFault',
      `Cannot create the snapshot because a ${what} with the identifier ${name} already exists.`,
    )
  }

  /** A datastore of which a snapshot is being taken takes no second one. */
  #checkReady(source: ModelSource, now: Ms): void {
    const { family, region, id, status } = source
    const busy = this.#of(family, region).some(
      (each) => each.source === id && !each.copied && now < each.readyAt,
    )
    const word = busy ? (family === 'cache' ? 'snapshotting' : 'backing-up') : status
    const isReady = word === 'available' || (family !== 'cache' && word === 'storage-optimization')
    if (isReady) return
    const [code, what] = {
      db: ['InvalidDBInstanceState', 'DBInstance'],
      'db-cluster': ['InvalidDBClusterStateFault', 'DBCluster'],
      cache: source.clusterMode
        ? ['InvalidReplicationGroupState', 'Replication group']
        : ['InvalidCacheClusterState', 'Cache cluster'],
    }[family] as [string, string]
    throw new AwsError(code, `${what} ${id} is not in available state. Current state: ${word}`)
  }

  #checkQuota(family: Family, region: string, source: ModelSource, now: Ms): void {
    if (family !== 'cache') {
      this.#checkManual(family, region)
      return
    }
    const recent = (this.#cacheBackups.get(source.id) ?? []).filter((at) => at > now - DAY)
    if (recent.length >= this.rules.cacheDailyLimit)
      throw new AwsError(
        'SnapshotQuotaExceededFault',
        'The request cannot be processed because it would exceed the maximum number of snapshots.',
      )
  }

  #checkManual(family: Family, region: string): void {
    const held = this.#of(family, region).filter(({ manual }) => manual).length
    if (held < this.rules.manualLimit) return
    const what = family === 'db' ? 'snapshots' : 'cluster snapshots'
    throw new AwsError(
      'SnapshotQuotaExceeded',
      `Cannot create more than ${this.rules.manualLimit} manual ${what}`,
    )
  }

  #checkKey(key: string | undefined): void {
    if (key !== undefined && this.disabledKeys.has(key))
      throw new AwsError('KMSKeyNotAccessibleFault', `KMS key ${key} is not accessible`)
  }
}

const PARAMETER: Readonly<Record<Family, string>> = {
  ...{ db: 'DBSnapshotIdentifier', 'db-cluster': 'DBClusterSnapshotIdentifier', cache: 'SnapshotName' },
}

const REFUSALS = {
  noSource(family: Family, id: string): AwsError {
    if (family === 'cache') return new AwsError('CacheClusterNotFound', `CacheCluster not found: ${id}`, 404)
    return family === 'db'
      ? new AwsError('DBInstanceNotFound', `DBInstance ${id} not found.`, 404)
      : new AwsError('DBClusterNotFoundFault', `DBCluster ${id} not found.`, 404)
  },
  noSnapshot(family: Family, name: string): AwsError {
    if (family === 'cache')
      return new AwsError('SnapshotNotFoundFault', `${name} is either not present or not available.`, 404)
    return family === 'db'
      ? new AwsError('DBSnapshotNotFound', `DBSnapshot ${name} not found.`, 404)
      : new AwsError('DBClusterSnapshotNotFoundFault', `DBClusterSnapshot ${name} not found.`, 404)
  },
  snapshotState(family: Family, name: string): AwsError {
    if (family === 'cache')
      return new AwsError('InvalidSnapshotState', `Snapshot ${name} is not in available state`)
    return family === 'db'
      ? new AwsError(
          'InvalidDBSnapshotState',
          `Cannot delete the snapshot because it is not currently in the available state.`,
        )
      : new AwsError(
          'InvalidDBClusterSnapshotStateFault',
          `Cannot delete the snapshot because it is not currently in the available state.`,
        )
  },
}

function keyOf(family: Family, region: string, name: string): string {
  return `${family} ${region} ${name}`
}
