import { type Source, shelfOf } from '#core/snapshots/snapshot.ts'

/**
 * The policy for who has none, as the text of a file: a place to begin and to change. Which one fits is seen from
 * what there is. A single database has room in the quota for a long history; several share it, and write more in a
 * day.
 */
export function defaultPolicy(sources: readonly Source[]): string {
  const databases = sources.filter(({ kind }) => shelfOf(kind) !== 'caches').length
  return databases > 1 ? MULTI_TENANT : ON_PREMISE
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
