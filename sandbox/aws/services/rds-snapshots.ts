import { AwsError } from '../aws-error.ts'
import { type QueryPages, queryPage } from '../query-pages.ts'
import type { Call, Input, Operation } from '../service.ts'
import type { Family, ModelSnapshot } from '../snapshots/snapshot-world.ts'
import type { SnapshotWorlds } from '../snapshots/snapshot-worlds.ts'
import { many, type XmlValue } from '../xml.ts'
import { needed, optional, taggingBy, tagsIn } from './snapshot-input.ts'

const PAGES: QueryPages = {
  ...{ size: 'MaxRecords', token: 'Marker', least: 20, most: 100 },
  ...{ badToken: 'InvalidParameterValue', badSize: 'InvalidParameterValue' },
}

/** How the two families of RDS name the same things. */
interface Words {
  readonly family: Extract<Family, 'db' | 'db-cluster'>
  /** The element of one snapshot, and the prefix of parameters: `DBSnapshot`. */
  readonly snapshot: string
  readonly source: string
  readonly arn: string
}

const INSTANCES: Words = {
  ...{ family: 'db', snapshot: 'DBSnapshot', source: 'DBInstanceIdentifier', arn: 'snapshot' },
}
const CLUSTERS: Words = {
  ...{
    family: 'db-cluster',
    snapshot: 'DBClusterSnapshot',
    source: 'DBClusterIdentifier',
    arn: 'cluster-snapshot',
  },
}

/** The operations of RDS on manual snapshots of instances and clusters, beside those in `rds.ts`. */
export function rdsSnapshotOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  return { ...operationsOf(INSTANCES, worlds), ...operationsOf(CLUSTERS, worlds), ...tagOperations(worlds) }
}

function operationsOf(words: Words, worlds: SnapshotWorlds): Record<string, Operation> {
  const { family, snapshot, source, arn } = words
  const identifier = `${snapshot}Identifier`
  const on = (input: Input, call: Call, name: string) => [arnOf(call, arn, String(input[name] ?? '*'))]
  return {
    [`Describe${snapshot}s`]: {
      resources: (input, call) => on(input, call, identifier),
      run: (input, call) => describe(words, worlds, input, call),
    },
    [`Create${snapshot}`]: {
      resources: (input, call) => [
        ...on(input, call, identifier),
        arnOf(call, family === 'db' ? 'db' : 'cluster', needed(input, source)),
      ],
      dependents: taggingBy('rds'),
      run(input, call) {
        const request = {
          source: needed(input, source),
          name: needed(input, identifier),
          tags: tagsIn(input),
        }
        const made = worlds.of(call).create({ family, region: call.region, ...request }, worlds.now(call))
        return { [snapshot]: show(words, made, worlds, call) }
      },
    },
    [`Copy${snapshot}`]: {
      resources: (input, call) => on(input, call, `Target${identifier}`),
      run(input, call) {
        const from = originalOf(words, needed(input, `Source${identifier}`), call)
        const request = { from, name: needed(input, `Target${identifier}`), tags: tagsIn(input) }
        const kmsKeyId = optional(input, 'KmsKeyId')
        const world = worlds.of(call)
        const made = world.copy({ family, region: call.region, kmsKeyId, ...request }, worlds.now(call))
        return { [snapshot]: show(words, made, worlds, call) }
      },
    },
    [`Delete${snapshot}`]: {
      resources: (input, call) => on(input, call, identifier),
      run(input, call) {
        const world = worlds.of(call)
        const gone = world.remove(family, call.region, needed(input, identifier), worlds.now(call))
        return { [snapshot]: show(words, gone, worlds, call) }
      },
    },
  }
}

function tagOperations(worlds: SnapshotWorlds): Record<string, Operation> {
  const resources = (input: Input) => [String(input['ResourceName'] ?? '*')]
  const find = (input: Input, call: Call) => {
    const [, , , , , kind, name = ''] = needed(input, 'ResourceName').split(':')
    const family = kind === 'cluster-snapshot' ? 'db-cluster' : 'db'
    const found = worlds
      .of(call)
      .list(family, call.region, Infinity)
      .find((each) => each.name === name)
    if (found === undefined) throw new AwsError('DBSnapshotNotFound', `DBSnapshot ${name} not found.`, 404)
    return found
  }
  return {
    AddTagsToResource: {
      resources,
      run(input, call) {
        Object.assign(find(input, call).tags, tagsIn(input))
        return {}
      },
    },
    RemoveTagsFromResource: {
      resources,
      run(input, call) {
        const { tags } = find(input, call)
        for (let number = 1; input[`TagKeys.member.${number}`] !== undefined; number++)
          delete tags[String(input[`TagKeys.member.${number}`])]
        return {}
      },
    },
  }
}

function describe(words: Words, worlds: SnapshotWorlds, input: Input, call: Call): object {
  const world = worlds.of(call)
  const { family, snapshot, source } = words
  const wanted = optional(input, `${snapshot}Identifier`)?.toLowerCase()
  const [of, type] = [optional(input, source)?.toLowerCase(), optional(input, 'SnapshotType')]
  const found = world
    .list(family, call.region, worlds.now(call))
    .filter((each) => wanted === undefined || each.name === wanted)
    .filter((each) => of === undefined || each.source === of)
    .filter(({ manual }) => type === undefined || (manual ? 'manual' : 'automated') === type)
  if (wanted !== undefined && found.length === 0)
    throw new AwsError(
      `${snapshot}NotFound${family === 'db' ? '' : 'Fault'}`,
      `${snapshot} ${wanted} not found.`,
      404,
    )
  const { items, next } = queryPage(found, input, call, PAGES)
  const shown = items.map((each) => show(words, each, worlds, call))
  return { [`${snapshot}s`]: many(snapshot, shown), Marker: next }
}

function show(words: Words, each: ModelSnapshot, worlds: SnapshotWorlds, call: Call): XmlValue {
  const { snapshot, source, arn, family } = words
  const state = worlds.of(call).stateOf(each, worlds.now(call))
  const ready = state === 'available'
  const tags = Object.entries(each.tags).map(([Key, Value]) => ({ Key, Value }))
  return {
    [`${snapshot}Identifier`]: each.name,
    [source]: each.source,
    // A copy's own moment is when it was made; an instance's copy has its original's beside it.
    SnapshotCreateTime:
      ready || family === 'db-cluster' ? iso(each.copied ? each.createdAt : each.takenAt) : undefined,
    OriginalSnapshotCreateTime: ready && family === 'db' ? iso(each.takenAt) : undefined,
    ...{ Engine: 'postgres', Status: state, SnapshotType: each.manual ? 'manual' : 'automated' },
    PercentProgress: ready ? 100 : 0,
    [family === 'db' ? 'Encrypted' : 'StorageEncrypted']: each.kmsKeyId !== undefined,
    KmsKeyId: each.kmsKeyId,
    [`${snapshot}Arn`]: arnOf(call, arn, each.name),
    TagList: many('Tag', tags),
  }
}

/** A copy within a region names its original, one from another region that one's ARN. */
function originalOf({ arn }: Words, name: string, call: Call): { region: string; name: string } {
  if (!name.startsWith('arn:')) return { region: call.region, name }
  const [, , service, region = '', account, kind, id = ''] = name.split(':')
  if (service !== 'rds' || kind !== arn || account !== call.caller.account)
    throw new AwsError('InvalidParameterValue', `Invalid snapshot identifier: ${name}`)
  return { region, name: id }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function arnOf({ region, caller }: Call, kind: string, name: string): string {
  return `arn:aws:rds:${region}:${caller.account}:${kind}:${name}`
}
