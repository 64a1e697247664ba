import { type Shelf, type Source, shelfOf } from '#core/snapshots/snapshot.ts'

/**
 * The policy for who has none, as the text of a file: a place to begin and to change. Which one fits is seen from
 * what there is. A single database has room in the quota for a long history; several share it, and write more in a
 * day; of many there is only room for little.
 */
export function defaultPolicy(sources: readonly Source[]): string {
  const onShelf = (shelf: Shelf) => sources.filter(({ kind }) => shelfOf(kind) === shelf).length
  const [instances, clusters] = [onShelf('rds-instances'), onShelf('rds-clusters')]
  if (instances + clusters <= 1) return ON_PREMISE
  // Each shelf has a quota of its own.
  const crowd = Math.max(instances, clusters)
  return DEFAULTS.find(({ most }) => crowd <= most)?.text ?? CROWDED
}

const ON_PREMISE = `# One database, one cache: every night, with a history of a year.
zone: UTC
sets:
  nightly:
    what: [all]
    when:
      cron: 30 2 * * *
      start-within: 4h
    keep:
      daily: 7
      weekly: 5
      monthly: 12
      minimum: 3
`

const MULTI_TENANT = `# Several databases share the quota of 100: twice a day, with a history of a quarter.
zone: UTC
sets:
  twice-daily:
    what: [all]
    when:
      cron: 30 2,14 * * *
      start-within: 4h
    keep:
      last: 4
      daily: 5
      weekly: 4
      monthly: 3
      minimum: 3
`

const MANY = `# Many databases share the quota of 100: every night, with a history of two weeks.
zone: UTC
sets:
  nightly:
    what: [all]
    when:
      cron: 30 2 * * *
      start-within: 4h
    keep:
      daily: 4
      weekly: 2
      minimum: 2
`

const CROWDED = `# So many databases that the quota of 100 has room for two nights of each: ask for a higher one, and keep more.
zone: UTC
sets:
  nightly:
    what: [all]
    when:
      cron: 30 2 * * *
      start-within: 4h
    keep:
      last: 2
      minimum: 2
`

/** By how many databases of one kind there may be, so that the quota is not met while the next snapshots are made. */
const DEFAULTS = [
  { most: 7, text: MULTI_TENANT },
  { most: 14, text: MANY },
] as const
