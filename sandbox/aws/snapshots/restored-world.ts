import type { Ms } from '#core/clock.ts'
import { AwsError } from '../aws-error.ts'

/**
 * Datastores that were made from snapshots, or beside them, by AWS's documented rules: names, what must be there
 * before, and how long they take. What an installation has from the start is not in here.
 */
export type RestoredKind = 'db' | 'db-cluster' | 'cache' | 'group'

export interface RestoredStore {
  readonly kind: RestoredKind
  readonly region: string
  readonly id: string
  /** The cluster that an instance is of. */
  readonly cluster: string | undefined
  /** The snapshot that it was made from; undefined for an empty one. */
  readonly snapshot: string | undefined
  readonly kmsKeyId: string | undefined
  /** As the request gave them, or as the service chooses where it did not. */
  readonly like: Readonly<Record<string, string | number | boolean>>
  readonly securityGroups: readonly string[]
  readonly tags: Record<string, string>
  readonly begunAt: Ms
  readonly readyAt: Ms
}

interface Names {
  readonly most: number
  readonly taken: (id: string) => AwsError
}

const NAMES: Readonly<Record<RestoredKind, Names>> = {
  db: { most: 63, taken: () => new AwsError('DBInstanceAlreadyExists', 'DB instance already exists') },
  'db-cluster': {
    most: 63,
    taken: () => new AwsError('DBClusterAlreadyExistsFault', 'DB Cluster already exists'),
  },
  cache: {
    most: 50,
    taken: (id) => new AwsError('CacheClusterAlreadyExists', `Cache cluster already exists: ${id}`),
  },
  group: {
    most: 40,
    taken: (id) =>
      new AwsError('ReplicationGroupAlreadyExists', `Replication group with id ${id} already exists`),
  },
}

export class RestoredWorld {
  readonly #stores = new Map<string, RestoredStore>()

  /** All of a kind, in the order of names. */
  list(kind: RestoredKind, region: string): RestoredStore[] {
    return [...this.#stores.values()]
      .filter((each) => each.kind === kind && each.region === region)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  get(kind: RestoredKind, region: string, id: string): RestoredStore | undefined {
    return this.#stores.get(keyOf(kind, region, id))
  }

  /** Takes one away, as somebody does in a console. */
  remove(kind: RestoredKind, region: string, id: string): void {
    this.#stores.delete(keyOf(kind, region, id))
  }

  /** `others` are the names that the installation's own have. @throws AwsError */
  add(store: RestoredStore, others: readonly string[]): RestoredStore {
    const id = checkName(store.kind, store.id)
    const { taken } = NAMES[store.kind]
    if (others.includes(id) || this.#stores.has(keyOf(store.kind, store.region, id))) throw taken(id)
    const made = { ...store, id }
    this.#stores.set(keyOf(made.kind, made.region, id), made)
    return made
  }

  /** A database is backed up once before it is available. */
  stateOf({ begunAt, readyAt, kind }: RestoredStore, now: Ms): string {
    if (now >= readyAt) return 'available'
    return kind === 'db' && now >= (begunAt + readyAt) / 2 ? 'backing-up' : 'creating'
  }
}

function checkName(kind: RestoredKind, id: string): string {
  const { most } = NAMES[kind]
  if (/^[a-z](-?[a-z0-9])*$/i.test(id) && id.length <= most) return id.toLowerCase()
  throw new AwsError(
    'InvalidParameterValue',
    `The parameter ${PARAMETER[kind]} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; must not end with a hyphen or contain two consecutive hyphens; and have at most ${most} characters.`,
  )
}

const PARAMETER: Readonly<Record<RestoredKind, string>> = {
  ...{ db: 'DBInstanceIdentifier', 'db-cluster': 'DBClusterIdentifier' },
  ...{ cache: 'CacheClusterId', group: 'ReplicationGroupId' },
}

function keyOf(kind: RestoredKind, region: string, id: string): string {
  return `${kind} ${region} ${id.toLowerCase()}`
}
