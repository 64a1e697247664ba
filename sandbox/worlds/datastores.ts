import { digits, dnsSuffix } from './ids.ts'
import type { World, WorldCache, WorldDatabase } from './installation.ts'
import { subnetsOf } from './network.ts'

/** Where the datastores of an installation answer: host names that only resolve inside its VPC. */

export const POSTGRES_PORT = 5432
export const REDIS_PORT = 6379
/** What the keys of a cache in cluster mode are spread over. */
export const SLOTS = 16_384

/** A node of a cache: one in a cluster, several in a group. */
export interface CacheNode {
  /** `WS-redis`, or in a group `WS-redis-cache-0001-002`. */
  readonly clusterId: string
  readonly host: string
  readonly zone: string
  readonly shard: string
  readonly isPrimary: boolean
}

export function databaseHost(world: World, { id }: Pick<WorldDatabase, 'id'>): string {
  return `${id}.${dnsSuffix(`rds ${world.account}`)}.${world.region}.rds.amazonaws.com`
}

/** Where a group in cluster mode tells its clients of its shards; groups are spoken to by TLS. */
export function configurationHost(world: World, { id }: WorldCache): string {
  return `clustercfg.${id}.${cacheSuffix(world)}`
}

export function cacheNodes(world: World, cache: WorldCache): CacheNode[] {
  const suffix = cacheSuffix(world)
  if (cache.kind === 'cluster') {
    const [own = '', ...rest] = suffix.split('.')
    const host = [cache.id, own, '0001', ...rest].join('.')
    return [{ clusterId: cache.id, host, zone: cache.zone, shard: '0001', isPrimary: true }]
  }
  const zones = [...new Set(subnetsOf(world, 'private').map(({ zone }) => zone))]
  return Array.from({ length: cache.shards }, (_, shard) =>
    Array.from({ length: 1 + cache.replicas }, (_, node): CacheNode => {
      const name = String(shard + 1).padStart(4, '0')
      const clusterId = `${cache.id}-${name}-${String(node + 1).padStart(3, '0')}`
      return {
        clusterId,
        host: `${clusterId}.${cache.id}.${suffix}`,
        zone: zones[(shard + node) % zones.length] ?? 'a',
        shard: name,
        isPrimary: node === 0,
      }
    }),
  ).flat()
}

/** The brokers' host names, `b-1` first. */
export function brokerHosts(world: World): string[] {
  const { kafka } = world
  if (kafka === undefined) return []
  const suffix = `${kafka.name.replaceAll('-', '')}.${digits(kafka.name, 6)}.c3.kafka.${world.region}.amazonaws.com`
  return Array.from({ length: kafka.brokers }, (_, i) => `b-${i + 1}.${suffix}`)
}

/** `eu-central-1` is `euc1` in the names of caches. */
function cacheSuffix(world: World): string {
  const region = world.region.replace(/^(..)-(.).*-(\d)$/, '$1$2$3')
  return `${dnsSuffix(`cache ${world.account}`).slice(0, 6)}.${region}.cache.amazonaws.com`
}
