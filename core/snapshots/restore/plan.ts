import { PgctlError } from '#core/errors.ts'
import { digest } from '#core/snapshots/naming.ts'
import type { PointRecord, RecoveryPoint } from '#core/snapshots/points.ts'
import { type CacheUse, describeUse, isReplayed } from '#core/snapshots/restore/cache-use.ts'
import { copiedName, RESTORE_TAGS, restoredName } from '#core/snapshots/restore/names.ts'
import type { Settings } from '#core/snapshots/restore/settings.ts'
import type { Source, SourceKind } from '#core/snapshots/snapshot.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'

/**
 * What a restore of a recovery point makes: for each of its datastores another one beside the original, under a new
 * name. No step changes or removes anything that is there. Printed for a person and carried out as the same object.
 */
export interface RestorePlan {
  readonly workspace: string
  readonly point: string
  readonly steps: readonly RestoreStep[]
  /** What of the point is not restored, and why. */
  readonly skipped: readonly { readonly sourceId: string; readonly why: string }[]
  readonly notices: readonly string[]
  /** Two plans of one digest make the same. */
  readonly digest: string
}

/**
 * One thing to make: a datastore; `rds-member`, an instance of a cluster that another step makes; or a copy, the
 * snapshot itself brought back from another region.
 */
export interface RestoreStep {
  readonly kind: SourceKind | 'rds-member' | CopyKind
  readonly sourceId: string
  /** Its new name. */
  readonly name: string
  readonly region: string
  /** Its name, or what the provider calls it across regions; undefined where it is made empty. */
  readonly snapshot: string | undefined
  /** The step that has to be ready before: a member's cluster, or the copy of the snapshot. */
  readonly after: string | undefined
  /** What encrypts a copy in its region. */
  readonly key?: string | undefined
  readonly settings: Settings
  readonly use: CacheUse | undefined
  /** Whether a person has to let the product's workers in before anything of it is used. */
  readonly gated: boolean
  readonly tags: Readonly<Record<string, string>>
  readonly because: string
}

export type CopyKind = 'rds-instance-copy' | 'rds-cluster-copy'

export interface RestoreInput {
  readonly workspace: string
  readonly region: string
  readonly point: RecoveryPoint
  /** What was written down of the point. */
  readonly record: PointRecord | undefined
  readonly sources: readonly Source[]
  /** The use of a cache, by its id. */
  use(id: string): CacheUse
  /** What the provider calls a snapshot across regions; undefined where it did not say. */
  arnOf(name: string, region: string): string | undefined
  /** Only these datastores, by id, short name or `kind/id`; empty for all. */
  readonly only: readonly string[]
  /** The security group that is put on what is gated, instead of the original's. */
  readonly gateGroup: string | undefined
}

/** @throws PgctlError `target-unknown` for a datastore that the point does not have, `failed` where nothing is left. */
export function planRestore(input: RestoreInput): RestorePlan {
  const { workspace, point } = input
  const steps: RestoreStep[] = []
  const skipped: { sourceId: string; why: string }[] = []
  const notices: string[] = []
  for (const id of chosen(input)) {
    const made = stepsFor(id, input, notices)
    if (typeof made === 'string') skipped.push({ sourceId: id, why: made })
    else steps.push(...made)
  }
  if (steps.length === 0)
    throw new PgctlError('failed', `nothing of ${point.id} can be restored`, {
      why: skipped.map(({ sourceId: id, why }) => `${id}: ${why}`).join('; ') || 'it has no parts',
      next: 'choose another point: pgctl snapshots list',
    })
  return {
    ...{ workspace, point: point.id, steps, skipped, notices },
    digest: digest([workspace, point.id, ...steps.map((step) => JSON.stringify(step))], 16),
  }
}

/** The datastores of the point, in order: databases before caches, as these are only as good as those. */
function chosen({ point, only, workspace }: RestoreInput): string[] {
  const all = [...new Set([...point.parts.map((part) => part.sourceId), ...point.missing])].sort(
    (a, b) => Number(isCache(a)) - Number(isCache(b)) || (a < b ? -1 : 1),
  )
  const names = (id: string) => {
    const own = id.slice(id.indexOf('/') + 1)
    return [id, own, own.startsWith(`${workspace}-`) ? own.slice(workspace.length + 1) : own]
  }
  for (const word of only)
    if (!all.some((id) => names(id).includes(word)))
      throw new PgctlError('target-unknown', `the recovery point ${point.id} has no datastore ${word}`, {
        why: `it has ${all.join(', ')}`,
        next: 'name one of these with --only',
      })
  return only.length === 0 ? all : all.filter((id) => names(id).some((name) => only.includes(name)))
}

function stepsFor(id: string, input: RestoreInput, notices: string[]): RestoreStep[] | string {
  const { workspace, point, record, sources, region, gateGroup } = input
  const [kind, own] = [id.slice(0, id.indexOf('/')) as SourceKind, id.slice(id.indexOf('/') + 1)]
  const source = sources.find((each) => sourceId(each) === id)
  const home = source?.region ?? region
  const use = isCache(id) ? input.use(own) : undefined
  const replayed = use === undefined || isReplayed(use)
  const found = replayed ? snapshotOf(id, input, home) : { name: undefined, away: undefined }
  if (typeof found === 'string') return found
  const settings = source?.settings ?? record?.parts[id]?.settings
  if (settings === undefined)
    return 'the datastore is gone, and nobody wrote down its class, network and parameters'
  if (source === undefined) notices.push(`${id} is gone: its settings are those written down with the point`)
  notices.push(...settingsNotices(id, settings))
  const gated = use !== undefined && replayed
  const name = restoredName(point.id, kind, own)
  const copied = found.away === undefined ? undefined : copiedName(point.id, kind, own)
  const step: RestoreStep = {
    ...{ kind, sourceId: id, name, region: home, snapshot: copied ?? found.name, after: copied, use, gated },
    settings:
      gated && gateGroup !== undefined ? { ...settings, securityGroups: [gateGroup] } : { ...settings },
    tags: {
      [RESTORE_TAGS.workspace]: workspace,
      [RESTORE_TAGS.point]: point.id,
      [RESTORE_TAGS.original]: id,
    },
    because: use === undefined ? 'a database: restored as it was' : describeUse(use),
  }
  if (found.away !== undefined && copied !== undefined) {
    if (found.away.isEncrypted && source?.key === undefined)
      notices.push(`${id}: nobody knows the key that it had, so its copy takes the account's own for RDS`)
    const key = found.away.isEncrypted ? (source?.key ?? 'alias/aws/rds') : undefined
    return [copyBack(step, copied, found.away, key), step, ...membersOf(step)]
  }
  return [step, ...membersOf(step)]
}

/** The snapshot of a database is brought to where its network is; it is not one of the point, so no rule deletes it. */
function copyBack(
  database: RestoreStep,
  name: string,
  { arn, region }: Away,
  key: string | undefined,
): RestoreStep {
  return {
    ...database,
    ...{ kind: `${database.kind}-copy` as CopyKind, name, snapshot: arn, after: undefined, key },
    because: `its only copy is in ${region}`,
  }
}

/** A snapshot that is in another region than the datastore was. */
interface Away {
  readonly region: string
  readonly arn: string
  readonly isEncrypted: boolean
}

/** The part of `id`, at home where there is one; or why there is none. */
function snapshotOf(
  id: string,
  { point: { parts }, arnOf }: RestoreInput,
  home: string,
): { name: string; away?: Away } | string {
  const usable = parts.filter(
    (part) => part.sourceId === id && part.state === 'available' && part.takenAt !== undefined,
  )
  const here = usable.find(({ region }) => region === home)
  if (here !== undefined) return { name: here.name }
  const [elsewhere] = usable
  if (elsewhere === undefined) return 'it has no snapshot that can be restored'
  const { name, region, key } = elsewhere
  const arn = arnOf(name, region)
  if (arn === undefined || isCache(id))
    return `its only copy is in ${region}, from where it cannot be brought to ${home}`
  return { name, away: { region, arn, isEncrypted: key !== undefined } }
}

/** A restored cluster has no instances: they are made beside it, once it is there. */
function membersOf(cluster: RestoreStep): RestoreStep[] {
  const { settings, name } = cluster
  if (settings.kind !== 'rds-cluster') return []
  return settings.members.map((_, index) => ({
    ...cluster,
    ...{ kind: 'rds-member', name: `${name}-${index + 1}`, snapshot: undefined, after: name },
    because: index === 0 ? 'the writer of the cluster' : 'a reader of the cluster',
  }))
}

/** The settings of one member of a cluster, by the member's step. */
export function memberOf({ settings, name }: RestoreStep): {
  class: string
  parameterGroup?: string | undefined
} {
  const index = Number(name.slice(name.lastIndexOf('-') + 1)) - 1
  const member = settings.kind === 'rds-cluster' ? settings.members[index] : undefined
  if (member === undefined) throw new Error(`${name} is no member of a cluster`)
  return member
}

function settingsNotices(id: string, settings: Settings): string[] {
  const notices: string[] = []
  if (settings.subnetGroup === undefined)
    notices.push(`${id} names no subnet group: its restored one goes to the account's default network`)
  if (settings.kind === 'rds-cluster' && settings.members.length === 0 && settings.class === undefined)
    notices.push(`${id} has no instances: neither has its restored one, and it answers nobody`)
  if (settings.kind === 'cache-group' && settings.token)
    notices.push(
      `${id} asks its clients for a token, which AWS does not tell: its restored one asks for none until you set one`,
    )
  return notices
}

function isCache(id: string): boolean {
  return id.startsWith('cache-')
}
