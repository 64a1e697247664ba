import { parse, YAMLParseError } from 'yaml'
import * as z from 'zod'
import { PgctlError } from '#core/errors.ts'
import type { BucketName } from '#core/installation/buckets.ts'
import type { DatastorePatterns } from '#core/installation/datastores.ts'
import { describeIssues } from '#core/installation/schema-issues.ts'

/** The word in a name pattern that stands for the installation's workspace. */
const WORKSPACE = 'WORKSPACE'

const port = z.number().int().min(1).max(65_535)
const healthPath = z.string().regex(/^\/\S*$/, 'a path starts with /')
const namePattern = z.string().includes(WORKSPACE, { error: `a name pattern contains ${WORKSPACE}` })
const endpoint = z.strictObject({ port, health: healthPath.optional() })
/** Its `*` stands for the datastore's own name, where there are several. */
const datastorePattern = namePattern.regex(/^[^*]*\*?[^*]*$/, 'a pattern has at most one *')
const bucket = z.strictObject({
  name: namePattern,
  /** Whether everybody may read it: a CDN's. */
  public: z.boolean().default(false),
  versioned: z.boolean().default(true),
})

/** Names of entries that belong together; a `*` in each stands for the same text. */
const entryName = z.string().regex(/^[^*]*\*?[^*]+$/, "an entry's name has at most one *")
const loginEntries = z.strictObject({
  /** Where the datastore is: HOST, HOST:PORT or a URL. */
  host: entryName,
  user: entryName.optional(),
  password: entryName,
  database: entryName.optional(),
})

/** `profiles/NAME.yaml`: the names of the product that an installation runs. Unknown keys are refused. */
const profileSchema = z.strictObject({
  name: z.string().min(1),
  namespace: z.string().min(1),
  labels: z.strictObject({ service: z.string().min(1), release: z.string().min(1) }),
  releases: z.array(z.string().min(1)),
  resources: z.strictObject({
    vpc: namePattern,
    cluster: namePattern,
    bastion: namePattern,
    loadBalancer: namePattern,
    trail: namePattern,
    elasticAddresses: namePattern,
  }),
  datastores: z.strictObject({
    postgres: z.array(datastorePattern).default([]),
    redis: z.array(datastorePattern).default([]),
    kafka: z.array(datastorePattern).default([]),
  }),
  /** Secrets that data is useless without; of entries whose names hold one of the words, the value counts, too. */
  keySecrets: z.record(z.string().min(1), z.array(z.string().min(1))).default({}),
  /** Where the logins of datastores are kept: entries of a Secret of the cluster, and of a secret of the cloud. */
  logins: z
    .strictObject({
      secret: z.string().min(1).optional(),
      cloudSecret: namePattern.optional(),
      postgres: z.array(loginEntries).default([]),
      redis: z.array(loginEntries).default([]),
    })
    .prefault({}),
  /** What a Redis of such a name is used for; only what is known for certain. */
  redisUses: z
    .strictObject({
      queue: z.array(datastorePattern).default([]),
      cache: z.array(datastorePattern).default([]),
      locks: z.array(datastorePattern).default([]),
    })
    .prefault({}),
  buckets: z.record(z.string(), bucket),
  services: z.record(z.string(), endpoint),
  monitors: z.record(z.string(), endpoint),
  /** The switch of the product's own reports of use: an entry of a ConfigMap, and what it holds for on and off. */
  analytics: z
    .strictObject({
      configMap: z.string().min(1),
      key: z.string().min(1),
      on: z.string().default('true'),
      off: z.string().default('false'),
    })
    .optional(),
  /** What installations are known to send to others by default, and what ends it. */
  outside: z
    .record(z.string(), z.strictObject({ hosts: z.array(z.string().min(1)), setting: z.string().min(1) }))
    .default({}),
})

/** A product's names as data; `services` and `monitors` map a name to its default port and health path. */
export type ProductProfile = z.infer<typeof profileSchema>

/** Which resource of the installation a pattern names. */
type NamedResource = keyof ProductProfile['resources']

/**
 * Reads a profile from the text of its file. `source` names the file in errors.
 * @throws PgctlError `config-invalid`, naming the line or the key.
 */
export function parseProfile(text: string, source: string): ProductProfile {
  const result = profileSchema.safeParse(parseYaml(text, source))
  if (result.success) return result.data
  throw new PgctlError('config-invalid', `cannot use the product profile ${source}`, {
    why: describeIssues(result.error.issues, Object.keys(profileSchema.shape)),
    next: `mend ${source}`,
  })
}

/** The name that `resource` bears in the installation of `workspace`. */
export function resourceName(profile: ProductProfile, resource: NamedResource, workspace: string): string {
  return inWorkspace(profile.resources[resource], workspace)
}

/** What identifiers of the workspace's datastores look like, by engine. */
export function datastorePatterns({ datastores }: ProductProfile, workspace: string): DatastorePatterns {
  const { postgres, redis, kafka } = datastores
  const filled = (patterns: readonly string[]) => patterns.map((pattern) => inWorkspace(pattern, workspace))
  return { postgres: filled(postgres), redis: filled(redis), kafka: filled(kafka) }
}

/** The secret of the cloud that holds the logins of the workspace's datastores; undefined where none does. */
export function loginSecret({ logins }: ProductProfile, workspace: string): string | undefined {
  return logins.cloudSecret === undefined ? undefined : inWorkspace(logins.cloudSecret, workspace)
}

/** What identifiers of the workspace's Redis say of their use. */
export function redisUsePatterns(
  { redisUses }: ProductProfile,
  workspace: string,
): Readonly<Record<'queue' | 'cache' | 'locks', readonly string[]>> {
  const filled = (patterns: readonly string[]) => patterns.map((pattern) => inWorkspace(pattern, workspace))
  return {
    queue: filled(redisUses.queue),
    cache: filled(redisUses.cache),
    locks: filled(redisUses.locks),
  }
}

/** The workspace's buckets, and what each is meant to be. */
export function bucketNames({ buckets }: ProductProfile, workspace: string): BucketName[] {
  return Object.entries(buckets).map(([name, bucket]) => ({
    ...bucket,
    name,
    id: inWorkspace(bucket.name, workspace),
  }))
}

function inWorkspace(pattern: string, workspace: string): string {
  return pattern.replaceAll(WORKSPACE, workspace)
}

function parseYaml(text: string, source: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new PgctlError('config-invalid', `cannot read the product profile ${source}`, {
      why: error.message.split('\n', 1)[0],
      next: `mend ${source}`,
      cause: error,
    })
  }
}
