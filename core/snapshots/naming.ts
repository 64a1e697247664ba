import { hash } from 'node:crypto'
import type { Source } from '#core/snapshots/snapshot.ts'
import { sourceId } from '#core/snapshots/snapshot.ts'
import { formatWall, type WallTime } from '#core/snapshots/zone.ts'

/**
 * The names and tags of our snapshots. Everything is made from the slot, so that who means the same slot makes the
 * same name: the provider's refusal of a second one is what keeps two runs from making two snapshots.
 */

/** Which snapshot of which datastore is meant. */
export interface Occasion {
  readonly workspace: string
  readonly set: string
  /** The slot's key. */
  readonly slot: string
  readonly wall: WallTime
}

/** Tags that say whose a snapshot is and what it belongs to. */
export const TAGS = {
  installation: 'pgctl:installation',
  source: 'pgctl:source',
  set: 'pgctl:set',
  slot: 'pgctl:slot',
  point: 'pgctl:point',
} as const

/**
 * `pgctl-202610250230-0a1b2c3d4e5f`: 31 characters in the form that all the services take (a cache's name has 40 at
 * most, whatever the length of the datastore's own).
 */
export function snapshotName(occasion: Occasion, source: Pick<Source, 'kind' | 'id' | 'region'>): string {
  const parts = [occasion.workspace, source.region, sourceId(source), occasion.set, occasion.slot]
  return `pgctl-${compact(occasion.wall)}-${digest(parts, 12)}`
}

/** Whether a name has the form of ours; whose it is, tags and records say. */
export function isOurName(name: string): boolean {
  return /^pgctl-\d{12}-[0-9a-f]{12}$/.test(name)
}

/** The id of the recovery point: one for all datastores of the set in this slot. */
export function pointId({ workspace, set, slot, wall }: Occasion): string {
  return `pt-${compact(wall)}-${digest([workspace, set, slot], 8)}`
}

export function tagsOf(occasion: Occasion, source: Pick<Source, 'kind' | 'id'>): Record<string, string> {
  return {
    [TAGS.installation]: occasion.workspace,
    [TAGS.source]: sourceId(source),
    [TAGS.set]: occasion.set,
    [TAGS.slot]: occasion.slot,
    [TAGS.point]: pointId(occasion),
  }
}

/** SHA-256 of the parts, each with its length, so that no two lists make one text; `length` hexadecimal digits. */
export function digest(parts: readonly string[], length: number): string {
  return hash('sha256', parts.map((part) => `${part.length}:${part}`).join('')).slice(0, length)
}

function compact(wall: WallTime): string {
  return formatWall(wall).replaceAll(/[-T:]/g, '')
}
