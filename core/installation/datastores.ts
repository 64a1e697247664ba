import { matchName } from '#core/installation/resource-names.ts'

export const ENGINES = ['postgres', 'redis', 'kafka'] as const
export type Engine = (typeof ENGINES)[number]

/** A database, cache or log of messages that the cloud runs for the installation. */
export interface Datastore extends FoundDatastore {
  /** What it is called as a target: `postgres` where there is one of the engine, else `postgres-NAME`. */
  readonly name: string
}

/** One as an adapter finds it. */
export interface FoundDatastore {
  readonly engine: Engine
  /** The provider's identifier. */
  readonly id: string
  /** What the provider calls it: `postgres`, `aurora-postgresql`, `valkey`… */
  readonly product: string
  readonly version: string | undefined
  /** The provider's own word, in lower case: `available`, `modifying`, `stopped`… */
  readonly status: string
  /** `instance` stands alone, `cluster` has nodes or shards, `replica` follows another and takes no writes. */
  readonly topology: 'instance' | 'cluster' | 'replica'
  readonly nodes: number
  readonly zones: readonly string[]
  /** Whether it outlives the loss of one zone. */
  readonly multiZone: boolean
  readonly sizeClass: string | undefined
  /** Where clients begin, the first one first; empty while it is being made. */
  readonly endpoints: readonly Endpoint[]
  readonly encryptedAtRest: boolean | undefined
  /** Whether its port speaks TLS; undefined where that is the client's choice. */
  readonly encryptedInTransit: boolean | undefined
  /** Whether it has an address on the internet; undefined where the provider has no such thing. */
  readonly public: boolean | undefined
  /** Daily, UTC: `06:00-07:00`. */
  readonly backupWindow: string | undefined
  /** Weekly, UTC: `tue:04:00-tue:05:00`. */
  readonly maintenanceWindow: string | undefined
  /** Days that automatic backups are kept; 0 makes none, undefined where the provider makes none of this kind. */
  readonly retentionDays: number | undefined
  /** The network it is in, where the provider says it. */
  readonly vpcId: string | undefined
  /** The security groups that say who reaches it; undefined where the provider says none with it. */
  readonly securityGroups?: readonly string[] | undefined
  /** How it is entered, as far as the provider tells. */
  readonly access?: DatastoreAccess | undefined
}

/** What a provider tells to whoever wants to enter a datastore; it holds no password. */
export interface DatastoreAccess {
  /** The user that it was made with, and the database. */
  readonly user?: string | undefined
  readonly database?: string | undefined
  /** The secret in which the provider keeps that user's password. */
  readonly secret?: string | undefined
  /** Whether it takes tokens that stand for an identity of the cloud. */
  readonly takesTokens?: boolean | undefined
  /** Whether it asks for a password; undefined where only itself knows. */
  readonly wantsPassword?: boolean | undefined
  /** Whether its keys are spread over nodes that send a client on to each other. */
  readonly sharded?: boolean | undefined
  /** Where it is read without a burden on the one that takes writes. */
  readonly readers?: readonly Endpoint[] | undefined
  /** The cluster whose member it is: that has addresses of its own, which follow whichever member takes writes. */
  readonly cluster?: string | undefined
  /** The identifier of what a replica follows. */
  readonly follows?: string | undefined
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** Patterns of identifiers by engine, each for a workspace: `paragon-acme`, `paragon-acme-*`. */
export type DatastorePatterns = Readonly<Record<Engine, readonly string[]>>

/**
 * The datastores with the names that they have as targets. How many there are of an engine is what was found: one
 * alone bears the engine's name; of several each has what its pattern's `*` stands for behind it, or, where no
 * pattern says more, its identifier. A replica never takes the bare name.
 */
export function nameDatastores(
  found: readonly FoundDatastore[],
  patterns: Partial<DatastorePatterns>,
): Datastore[] {
  const taken = new Set<string>()
  return ENGINES.flatMap((engine) => {
    const ofEngine = found.filter((store) => store.engine === engine).sort((a, b) => (a.id < b.id ? -1 : 1))
    const writable = ofEngine.filter(({ topology }) => topology !== 'replica')
    return ofEngine.map((store): Datastore => {
      const alone = writable.length === 1 && writable[0] === store
      const part = matchName(store.id, patterns[engine] ?? [])
      const wanted = alone ? engine : `${engine}-${part || store.id}`
      const name = taken.has(wanted) ? `${engine}-${store.id}` : wanted
      taken.add(name)
      return { ...store, name }
    })
  })
}
