import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { parsePolicy, setOf, strayNames } from '#core/snapshots/policy.ts'
import { WORKSPACE } from '../../support/snapshot-scene.ts'

const GOOD = `zone: Europe/Berlin
sets:
  nightly:
    what: [postgres, redis-queue]
    when:
      cron: 30 2 * * *
      start-within: 3h
      avoid: [tue 04:00-05:00]
    keep:
      daily: 7
      weekly: 4
      within: 48h
      minimum: 3
    copy:
      region: eu-west-1
`

function refusal(text: string): string {
  try {
    parsePolicy(text, 'snapshots.yaml')
  } catch (error) {
    assert.ok(isPgctlError(error, 'config-invalid'))
    assert.equal(error.next, 'mend snapshots.yaml')
    return error.why ?? ''
  }
  assert.fail('it was accepted')
}

describe('parsePolicy', () => {
  it('reads what a person wrote, and fills in the rest', () => {
    const { zone, sets, limits } = parsePolicy(GOOD, 'snapshots.yaml')
    assert.equal(zone.name, 'Europe/Berlin')
    const { when, keep, copy } = sets['nightly'] ?? assert.fail()
    assert.equal(when.cron.text, '30 2 * * *')
    assert.equal(when['start-within'], 3 * 3_600_000)
    assert.deepEqual(
      [keep.daily, keep.monthly, keep.within, keep.minimum, keep.relative],
      [7, 0, 172_800_000, 3, 'newest'],
    )
    assert.equal(copy?.region, 'eu-west-1')
    assert.deepEqual(limits, {
      deletes: 10,
      'tightened-after': 7 * 86_400_000,
      'cache-backups-a-day': 20,
    })
  })

  for (const [change, to, want] of [
    ['  nightly:', '  nightly:\n    whom: [x]', 'line 4, column 5: sets.nightly: unknown key "whom"'],
    ['daily: 7', 'dayly: 7', 'line 10, column 7: sets.nightly.keep: unknown key "dayly" (did you mean daily'],
    ['zone: Europe/Berlin', 'zone: Europe/Berlon', 'line 1, column 1: zone: "Europe/Berlon" is no time zone'],
    ['zone: Europe/Berlin', '', 'line 1, column 1: zone: it is missing'],
    ['30 2 * * *', '30 25 * * *', 'line 6, column 7: sets.nightly.when.cron: "25" is no hour'],
    ['30 2 * * *', '"*/5 * * * *"', 'due more often than once an hour'],
    [
      '3h',
      'three hours',
      'line 7, column 7: sets.nightly.when.start-within: "three hours" is no span of time',
    ],
    [
      'tue 04:00-05:00',
      'tuesday at four',
      'line 8, column 15: sets.nightly.when.avoid.0: "tuesday at four" is no window',
    ],
    ['daily: 7', 'daily: -1', 'line 10, column 7: sets.nightly.keep.daily'],
    ['daily: 7', 'daily: soon', 'line 10, column 7: sets.nightly.keep.daily'],
    ['minimum: 3', 'minimum: 0', 'line 13, column 7: sets.nightly.keep.minimum: it is less than 1'],
    ['nightly:', 'Nightly Run:', 'line 3, column 3'],
    ['[postgres, redis-queue]', '[]', 'line 4, column 5: sets.nightly.what'],
    ['keep:', 'keep: [', 'line'],
  ] as const)
    it(`refuses ${JSON.stringify(to)}, naming the line`, () => {
      assert.ok(refusal(GOOD.replace(change, to)).includes(want), refusal(GOOD.replace(change, to)))
    })

  it('refuses rules that keep nothing', () => {
    const empty = GOOD.replace('daily: 7', 'daily: 0')
      .replace('weekly: 4', 'weekly: 0')
      .replace('      within: 48h\n', '')
    assert.ok(refusal(empty).includes('sets.nightly.keep: it keeps nothing'), refusal(empty))
  })

  it('refuses an empty file', () => assert.ok(refusal('').includes('line 1')))
})

describe('setOf', () => {
  const policy = parsePolicy(GOOD, 'snapshots.yaml')
  for (const [kind, id, want] of [
    ['rds-instance', 'paragon-acme-1-hermes', 'nightly'],
    ['rds-cluster', 'other', 'nightly'],
    ['cache-cluster', 'paragon-acme-1-redis-queue', 'nightly'],
    ['cache-group', 'paragon-acme-1-redis-cache', undefined],
  ] as const)
    it(`${kind} ${id}: ${want ?? 'in none'}`, () => {
      assert.equal(setOf(policy, { kind, id }, 'paragon-acme-1'), want)
    })
})

describe('strayNames', () => {
  const policy = parsePolicy(
    `zone: UTC
sets:
  critical: { what: [hermse, postgres-zeus, redis], when: { cron: 0 2 * * * }, keep: { daily: 3 } }
  rest: { what: [all, ${WORKSPACE}-app, logs], when: { cron: 0 3 * * * }, keep: { daily: 3 } }
redis: { redis-queue: queue, redis-quue: cache, redis: locks }
`,
    'p',
  )
  const things = [
    { id: `${WORKSPACE}-zeus`, kind: 'rds-instance' },
    { id: `${WORKSPACE}-redis-queue`, kind: 'cache-cluster' },
    { id: `${WORKSPACE}-app`, kind: 'bucket' },
  ]

  it('are those that mean no datastore and no bucket, by any of their names', () => {
    assert.deepEqual(strayNames(policy, things, WORKSPACE), [
      'the set critical of the policy names hermse, and there is nothing of that name',
      'the set rest of the policy names logs, and there is nothing of that name',
      'redis of the policy names redis-quue, and there is nothing of that name',
      'redis of the policy names redis, and there is nothing of that name',
    ])
  })
})
