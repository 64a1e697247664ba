import * as z from 'zod'

/**
 * What a datastore is like apart from its data: what one that is restored takes over, as a snapshot holds none of it.
 * Written down with each recovery point, since a datastore that is gone can no longer be asked.
 */
const network = {
  /** Undefined where the provider did not say: then the account's default would be taken, and a notice says so. */
  subnetGroup: z.string().optional(),
  securityGroups: z.array(z.string()),
  parameterGroup: z.string().optional(),
}

const instanceSchema = z.object({
  kind: z.literal('rds-instance'),
  class: z.string().optional(),
  engine: z.string().optional(),
  port: z.int().optional(),
  ...network,
  optionGroup: z.string().optional(),
  storageType: z.string().optional(),
  iops: z.int().optional(),
  multiZone: z.boolean(),
  iamAuthentication: z.boolean(),
})

const clusterSchema = z.object({
  kind: z.literal('rds-cluster'),
  engine: z.string(),
  engineVersion: z.string().optional(),
  port: z.int().optional(),
  ...network,
  key: z.string().optional(),
  iamAuthentication: z.boolean(),
  /** Where the provider makes the instances itself (Multi-AZ clusters): their class; else undefined. */
  class: z.string().optional(),
  /** The instances that have to be made beside the cluster, the writer first. */
  members: z.array(z.object({ class: z.string(), parameterGroup: z.string().optional() })),
})

const cacheSchema = z.object({
  kind: z.literal('cache-cluster'),
  class: z.string().optional(),
  engine: z.string().optional(),
  engineVersion: z.string().optional(),
  ...network,
})

const groupSchema = z.object({
  kind: z.literal('cache-group'),
  class: z.string().optional(),
  engine: z.string().optional(),
  engineVersion: z.string().optional(),
  ...network,
  clusterMode: z.boolean(),
  shards: z.int().min(1),
  /** Of each shard. */
  replicas: z.int().min(0),
  failsOver: z.boolean(),
  multiZone: z.boolean(),
  encryptedAtRest: z.boolean(),
  encryptedInTransit: z.boolean(),
  key: z.string().optional(),
  userGroups: z.array(z.string()),
  /** Whether clients need a token. The provider never tells which. */
  token: z.boolean(),
})

export const settingsSchema = z.discriminatedUnion('kind', [
  instanceSchema,
  clusterSchema,
  cacheSchema,
  groupSchema,
])

export type Settings = z.infer<typeof settingsSchema>
export type SettingsOf<Kind extends Settings['kind']> = Extract<Settings, { kind: Kind }>
