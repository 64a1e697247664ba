import type { AwsConnection } from '#core/aws/clients.ts'
import { findRedis } from '#core/aws/elasticache.ts'
import { findKafka } from '#core/aws/kafka.ts'
import { DESCRIBE_DB_INSTANCES, describePostgres } from '#core/aws/rds.ts'
import { NOT_ASKED, type Reading, reading } from '#core/aws/reading.ts'
import {
  type Datastore,
  ENGINES,
  type Engine,
  type FoundDatastore,
  nameDatastores,
} from '#core/installation/datastores.ts'
import type { DiscoveryQuery } from '#core/installation/discovery.ts'

type Find = (
  connection: AwsConnection,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
) => Promise<Reading<FoundDatastore[]>>

const FIND: Readonly<Record<Engine, Find>> = {
  postgres: (connection, patterns, signal) =>
    reading('postgres', DESCRIBE_DB_INSTANCES, () => describePostgres(connection, patterns, signal)),
  redis: findRedis,
  kafka: findKafka,
}

/**
 * The datastores of the engines that are asked for, by name. `vpcId` is asked only where databases that fit stand in
 * several networks: then the workspace's name begins another one's, and the network tells them apart.
 */
export async function findDatastores(
  connection: AwsConnection,
  { names, parts }: Pick<DiscoveryQuery, 'names' | 'parts'>,
  vpcId: () => Promise<string | undefined>,
  signal: AbortSignal | undefined,
): Promise<Reading<Datastore[]>> {
  const asked = await Promise.all(
    ENGINES.map((engine) => {
      const patterns = names.datastores[engine]
      return parts.includes(engine) && patterns.length > 0
        ? FIND[engine](connection, patterns, signal)
        : NOT_ASKED
    }),
  )
  const found = asked.flatMap(({ value }) => value ?? [])
  const networks = new Set(found.flatMap(({ vpcId: network }) => network ?? []))
  const own = networks.size > 1 ? await vpcId() : undefined
  const ours = found.filter(
    ({ vpcId: network }) => own === undefined || network === undefined || network === own,
  )
  return {
    value: nameDatastores(ours, names.datastores),
    unreadable: asked.flatMap(({ unreadable }) => unreadable),
  }
}
