import { ARCHITECTURES, type Lock, type Tool } from '#core/image/lock.ts'

/** One difference between two locks, as a person reads it. */
export interface LockChange {
  readonly name: string
  /** `swapped`: the same version with other content, which nobody who publishes properly ever does. */
  readonly kind: 'added' | 'removed' | 'version' | 'pinned' | 'swapped'
  readonly before: string | null
  readonly after: string | null
  /** Where not of all. */
  readonly architecture: string | null
}

/** What an update would change, tools first. */
export function lockChanges(before: Lock, after: Lock): LockChange[] {
  const tools = [...byName(before.tools, after.tools)].flatMap(([name, [old, new_]]) =>
    changesOf(name, old && toolFace(old), new_ && toolFace(new_), null),
  )
  const packages = ARCHITECTURES.flatMap((architecture) =>
    [
      ...byName(before.distribution.packages[architecture], after.distribution.packages[architecture]),
    ].flatMap(([name, [old, new_]]) => changesOf(name, old && face(old), new_ && face(new_), architecture)),
  )
  return [...tools, ...packages]
}

interface Face {
  readonly version: string
  /** Of each file; null where none is known. */
  readonly digests: readonly (string | null)[]
}

const toolFace = ({ version, sha256 }: Tool): Face => ({
  version,
  digests: ARCHITECTURES.map((architecture) => sha256[architecture]),
})

const face = ({ version, sha256 }: { version: string; sha256: string }): Face => ({
  version,
  digests: [sha256],
})

function changesOf(
  name: string,
  before: Face | undefined,
  after: Face | undefined,
  architecture: string | null,
): LockChange[] {
  const change = (kind: LockChange['kind'], old: string | null, new_: string | null): LockChange[] => [
    { name, kind, before: old, after: new_, architecture },
  ]
  if (before === undefined) return after === undefined ? [] : change('added', null, after.version)
  if (after === undefined) return change('removed', before.version, null)
  if (before.version !== after.version) return change('version', before.version, after.version)
  return before.digests.flatMap((old, at) => {
    const new_ = after.digests[at] ?? null
    if (old === new_) return []
    return change(old === null ? 'pinned' : 'swapped', old, new_)
  })
}

function byName<T extends { readonly name: string }>(before: readonly T[], after: readonly T[]) {
  const pairs = new Map<string, [T | undefined, T | undefined]>()
  for (const item of before) pairs.set(item.name, [item, undefined])
  for (const item of after) pairs.set(item.name, [pairs.get(item.name)?.[0], item])
  return pairs
}
