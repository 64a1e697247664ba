/** What a deployment would change, part by part, in words that somebody can decide by. */

export interface Change {
  readonly action: 'add' | 'change' | 'remove'
  readonly resource: string
  readonly type: string
  /** The provider's name of it; undefined for what is not there yet. */
  readonly physical: string | undefined
  /** Whether the part is made anew in place of the old one: what it held is lost unless the template keeps it. */
  readonly replaces: 'yes' | 'no' | 'maybe'
  /** Properties that differ. */
  readonly properties: readonly string[]
}

export interface Plan {
  readonly changes: readonly Change[]
  /** Those by which somebody may do something that they could not before, or no longer. */
  readonly rights: readonly Change[]
  /** Those that take something away: removed, or made anew. */
  readonly losses: readonly Change[]
}

/** Types whose content says who may do what. */
const RIGHTS =
  /^AWS::(IAM::|KMS::Key$|Lambda::Permission$|S3::BucketPolicy$|SQS::QueuePolicy$|SNS::TopicPolicy$)/

const ORDER: Readonly<Record<Change['action'], number>> = { remove: 0, change: 1, add: 2 }

export function planOf(changes: readonly Change[]): Plan {
  const sorted = changes.toSorted(
    (one, other) => ORDER[one.action] - ORDER[other.action] || (one.resource < other.resource ? -1 : 1),
  )
  return {
    changes: sorted,
    rights: sorted.filter(({ type }) => RIGHTS.test(type)),
    losses: sorted.filter(({ action, replaces }) => action === 'remove' || replaces !== 'no'),
  }
}

/** Who runs which version of pgctl; undefined where it is not known. */
export interface Versions {
  readonly here: string
  readonly functions: string | undefined
  readonly bastion: string | undefined
}

/**
 * What is to be said of parts that are of different versions. They talk by documents that later versions read, and not
 * the other way round: only an older one than the functions needs somebody's attention.
 */
export function skewOf({ here, functions, bastion }: Versions): string[] {
  const sentences: string[] = []
  if (functions !== undefined && compareVersions(here, functions) < 0)
    sentences.push(
      `the functions are of ${functions}, and this pgctl is of ${here}: deploying takes them back`,
    )
  if (functions !== undefined && bastion !== undefined && compareVersions(bastion, functions) < 0)
    sentences.push(`the bastion has ${bastion}, and the functions are of ${functions}: refresh its image`)
  if (bastion !== undefined && compareVersions(bastion, here) > 0)
    sentences.push(`the bastion has ${bastion}, which is newer than this pgctl, ${here}`)
  return sentences
}

/** By the three numbers; what stands behind them makes a version an earlier one (Semantic Versioning, section 11). */
export function compareVersions(one: string, other: string): number {
  const parse = (version: string) => {
    const [numbers = '', extra] = version.split(/-(.*)/s)
    return { numbers: numbers.split('.').map(Number), extra }
  }
  const [a, b] = [parse(one), parse(other)]
  for (let at = 0; at < 3; at++) {
    const difference = (a.numbers[at] ?? 0) - (b.numbers[at] ?? 0)
    if (difference !== 0) return difference
  }
  if (a.extra === b.extra) return 0
  if (a.extra === undefined || b.extra === undefined) return a.extra === undefined ? 1 : -1
  return a.extra < b.extra ? -1 : 1
}
