import { cacheNodes } from '#sandbox/worlds/datastores.ts'
import { AwsError } from '../aws-error.ts'
import { type QueryPages, queryPage } from '../query-pages.ts'
import type { Call, Input, Operation } from '../service.ts'
import type { ModelSnapshot } from '../snapshots/snapshot-world.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many, type XmlValue } from '../xml.ts'
import { restoredByArn } from './elasticache-restore.ts'
import { needed, optional, taggingBy, tagsIn } from './snapshot-input.ts'

const PAGES: QueryPages = {
  ...{ size: 'MaxRecords', token: 'Marker', least: 20, most: 50 },
  ...{ badToken: 'InvalidParameterValue', badSize: 'InvalidParameterValue' },
}

/** The operations of ElastiCache on snapshots, beside those in `elasticache.ts`. */
export function elastiCacheSnapshotOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  const named = (input: Input, call: Call) => [arnOf(call, String(input['SnapshotName'] ?? '*'))]
  const byArn = (input: Input) => [String(input['ResourceName'] ?? '*')]
  return {
    DescribeSnapshots: { resources: named, run: (input, call) => describe(worlds, input, call) },
    CreateSnapshot: {
      resources: (input, call) => {
        const { region, caller } = call
        const [kind, id] =
          input['ReplicationGroupId'] === undefined
            ? ['cluster', input['CacheClusterId']]
            : ['replicationgroup', input['ReplicationGroupId']]
        return [
          ...named(input, call),
          `arn:aws:elasticache:${region}:${caller.account}:${kind}:${String(id)}`,
        ]
      },
      dependents: taggingBy('elasticache'),
      run(input, call) {
        const world = worlds.of(call)
        const request = {
          source: sourceOf(input, call),
          name: needed(input, 'SnapshotName'),
          tags: tagsIn(input),
        }
        const made = world.create({ family: 'cache', region: call.region, ...request }, worlds.now(call))
        return { Snapshot: show(made, worlds, call) }
      },
    },
    DeleteSnapshot: {
      resources: named,
      run(input, call) {
        const world = worlds.of(call)
        const gone = world.remove('cache', call.region, needed(input, 'SnapshotName'), worlds.now(call))
        return { Snapshot: show(gone, worlds, call) }
      },
    },
    ListTagsForResource: {
      resources: byArn,
      run: (input, call) => ({ TagList: tagList(find(worlds, input, call)) }),
    },
    AddTagsToResource: {
      resources: byArn,
      run(input, call) {
        const found = find(worlds, input, call)
        Object.assign(found.tags, tagsIn(input))
        return { TagList: tagList(found) }
      },
    },
    RemoveTagsFromResource: {
      resources: byArn,
      run(input, call) {
        const found = find(worlds, input, call)
        for (let number = 1; input[`TagKeys.member.${number}`] !== undefined; number++)
          delete found.tags[String(input[`TagKeys.member.${number}`])]
        return { TagList: tagList(found) }
      },
    },
  }
}

/** A group in cluster mode is named as a whole, all else by a node; never both. */
function sourceOf(input: Input, call: Call): string {
  const [group, cluster] = [optional(input, 'ReplicationGroupId'), optional(input, 'CacheClusterId')]
  if ((group === undefined) === (cluster === undefined))
    throw new AwsError(
      'InvalidParameterCombination',
      'Exactly one of CacheClusterId and ReplicationGroupId is needed',
    )
  const caches = call.world?.caches ?? []
  const isGroup = (id: string | undefined) => caches.some((each) => each.kind === 'group' && each.id === id)
  if (group !== undefined && !isGroup(group.toLowerCase()))
    throw new AwsError('ReplicationGroupNotFoundFault', `ReplicationGroup ${group} not found.`, 404)
  const member = caches.find(
    (each) =>
      each.kind === 'group' &&
      call.world !== undefined &&
      cacheNodes(call.world, each).some(({ clusterId }) => clusterId === cluster?.toLowerCase()),
  )
  if (member !== undefined)
    throw new AwsError(
      'InvalidParameterValue',
      `Cannot take a snapshot of a shard of ${member.id}: it is in cluster mode`,
    )
  return group ?? (cluster as string)
}

function describe(worlds: SnapshotWorlds, input: Input, call: Call): object {
  const world = worlds.of(call)
  const wanted = optional(input, 'SnapshotName')?.toLowerCase()
  const source = optional(input, 'SnapshotSource')
  if (source !== undefined && source !== 'user' && source !== 'system')
    throw new AwsError('InvalidParameterValue', `Invalid snapshot source: ${source}`)
  const found = world
    .list('cache', call.region, worlds.now(call))
    .filter((each) => wanted === undefined || each.name === wanted)
    // Filters say `user`, and the field says `manual`.
    .filter(({ manual }) => source === undefined || (manual ? 'user' : 'system') === source)
  if (wanted !== undefined && found.length === 0)
    throw new AwsError('SnapshotNotFoundFault', `${wanted} is either not present or not available.`, 404)
  const { items, next } = queryPage(found, input, call, PAGES)
  return {
    Marker: next,
    Snapshots: many(
      'Snapshot',
      items.map((each) => show(each, worlds, call)),
    ),
  }
}

function show(each: ModelSnapshot, worlds: SnapshotWorlds, call: Call): XmlValue {
  const cache = call.world?.caches.find(({ id }) => id === each.source)
  const isGroup = cache?.kind === 'group'
  const nodes = call.world !== undefined && cache !== undefined ? cacheNodes(call.world, cache) : []
  return {
    SnapshotName: each.name,
    ...(isGroup ? { ReplicationGroupId: each.source } : { CacheClusterId: each.source }),
    SnapshotStatus: worlds.of(call).stateOf(each, worlds.now(call)),
    SnapshotSource: each.manual ? 'manual' : 'automated',
    ...{ Engine: 'redis', EngineVersion: '7.1.0', CacheNodeType: cache?.type },
    NodeSnapshots: many(
      'NodeSnapshot',
      nodes
        .filter(({ isPrimary }) => isPrimary)
        .map(({ clusterId, shard }) => ({
          ...{ CacheClusterId: clusterId, NodeGroupId: isGroup ? shard : undefined, CacheNodeId: '0001' },
          ...{ CacheSize: '12 MB', SnapshotCreateTime: new Date(each.takenAt).toISOString() },
        })),
    ),
    KmsKeyId: each.kmsKeyId,
    ARN: arnOf(call, each.name),
  }
}

function find(worlds: SnapshotWorlds, input: Input, call: Call): { readonly tags: Record<string, string> } {
  const restored = restoredByArn(needed(input, 'ResourceName'), worlds, call)
  if (restored !== undefined) return restored
  const name = needed(input, 'ResourceName').split(':').at(-1) ?? ''
  const found = worlds
    .of(call)
    .list('cache', call.region, Infinity)
    .find((each) => each.name === name)
  if (found !== undefined) return found
  throw new AwsError('SnapshotNotFoundFault', `${name} is either not present or not available.`, 404)
}

function tagList({ tags }: { readonly tags: Record<string, string> }): XmlValue {
  return many(
    'Tag',
    Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  )
}

function arnOf({ region, caller }: Call, name: string): string {
  return `arn:aws:elasticache:${region}:${caller.account}:snapshot:${name}`
}
