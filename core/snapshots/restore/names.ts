import { digest } from '#core/snapshots/naming.ts'
import type { SourceKind } from '#core/snapshots/snapshot.ts'

/**
 * Names of restored datastores: made from the point and the original, so that a second call finds what the first one
 * began. They do not begin with the workspace: nothing takes a restored datastore for one of the installation's before
 * a person has switched over to it.
 */

/** Longest identifiers, by kind. */
const LONGEST: Readonly<Record<SourceKind, number>> = {
  // A member of a cluster adds `-NN` to it.
  ...{ 'rds-instance': 63, 'rds-cluster': 60, 'cache-cluster': 50, 'cache-group': 40 },
}

/** `restored-1a2b3c-WORKSPACE-redis`, shortened at the front of the original's name where there is no room. */
export function restoredName(point: string, kind: SourceKind, id: string): string {
  return besideName('restored', point, kind, id)
}

/** What the original is called once the restored one has its name. */
export function retiredName(point: string, kind: SourceKind, id: string): string {
  return besideName('before', point, kind, id)
}

/** What a snapshot is called that was brought back from another region for this restore. */
export function copiedName(point: string, kind: SourceKind, id: string): string {
  return besideName('copied', point, kind, id)
}

function besideName(word: string, point: string, kind: SourceKind, id: string): string {
  const prefix = `${word}-${digest([point, kind, id], 6)}-`
  const room = LONGEST[kind] - prefix.length
  return `${prefix}${id.slice(-room).replace(/^-+/, '')}`
}

/** Tags that say what a datastore was restored from; a name alone anybody can take. */
export const RESTORE_TAGS = {
  workspace: 'pgctl:restored-for',
  point: 'pgctl:restored-from',
  original: 'pgctl:restored-of',
} as const
