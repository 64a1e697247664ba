import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type MotdFacts, parseMotdFacts, renderMotd } from '#core/bastion/motd.ts'

const NOW = Date.parse('2026-11-26T08:00:00Z')
const MINUTE = 60_000
const FILE = {
  ...{ name: 'acme', workspace: 'paragon-acme-5d1f0c2e', region: 'eu-central-1', account: '111122223333' },
  product: 'paragon',
}
const FACTS: MotdFacts = {
  v: 1,
  at: NOW - MINUTE,
  versions: { pgctl: '0.1.0', kubectl: '1.35.2', helm: '3.20.2' },
  license: { verdict: 'valid', sentence: 'the license is in force', until: '2027-01-31T00:00:00.000Z' },
  sessions: ['ada-0a1b2c3d4e5f6g7h8i9j', 'bo-z1y2x3w4v5u6t7s8r9q0', 'bo-a1b2c3d4e5f6g7h8i9j0'],
  life: {
    rules: { idleAfter: 20 * MINUTE, hours: null },
    stale: true,
    leases: [{ owner: 'ada', reason: 'restore of hermes', until: NOW + 125 * MINUTE }],
  },
}
const lines = (facts: MotdFacts | undefined, session?: string) =>
  renderMotd(FILE, facts, { now: NOW, session }).split('\n')

describe('the message of the day', () => {
  it('says where one is, what is there, who else is, and how long it stays', () => {
    assert.deepEqual(lines(FACTS, 'ada-0a1b2c3d4e5f6g7h8i9j'), [
      'acme  paragon-acme-5d1f0c2e, eu-central-1, account 111122223333',
      '',
      '  cluster   kubectl, helm and pgctl lead to it, with your own rights',
      '  versions  pgctl 0.1.0, kubectl 1.35.2, helm 3.20.2',
      '  license   valid: the license is in force, until 2027-01-31',
      '  with you  bo',
      '  stops     held by ada for another 2 h 5 min ("restore of hermes"); 20 min after the last of you has gone; pgctl bastion hold keeps it longer; a newer image takes its place when nobody is on it',
      '',
    ])
  })

  it('says what it does not know, and nothing that is long past', () => {
    for (const facts of [undefined, { ...FACTS, at: NOW - 11 * MINUTE }])
      assert.deepEqual(
        lines(facts).filter((line) => /not known$/.test(line)).length,
        facts === undefined ? 4 : 3,
      )
    const bare = lines({ ...FACTS, license: null, life: null, sessions: [], versions: {} })
    assert.match(bare.join('\n'), /license {3}none is known\n {2}with you {2}nobody\n {2}stops {5}not known/)
  })

  it('tells the time of this installation, that it is not stopped by itself, or that nobody has said so', () => {
    const told = (rules: NonNullable<MotdFacts['life']>['rules']) =>
      lines({ ...FACTS, life: { rules, stale: false, leases: [] } }).find((line) => /stops/.test(line))
    assert.match(told({ idleAfter: 45 * MINUTE, hours: null }) ?? '', /stops {5}45 min after the last of you/)
    assert.equal(told({ idleAfter: null, hours: null }), '  stops     not by itself')
    assert.equal(told(null), '  stops     not known yet: what looks after it has not said')
  })

  it('tells until when its hours keep it, and when they have it up again', () => {
    const told = (hours: string, idleAfter: number | null = 20 * MINUTE) => {
      const life = { rules: { idleAfter, hours }, stale: false, leases: [] }
      return lines({ ...FACTS, life }).find((line) => /stops/.test(line))
    }
    const open = told('Mon-Fri 08:00-18:00 Europe/Berlin')
    assert.equal(
      open,
      '  stops     up by schedule until 18:00 (Mon-Fri 08:00-18:00 Europe/Berlin); then 20 min after the last of you has gone; pgctl bastion hold keeps it longer',
    )
    assert.match(
      told('Mon 08:00-18:00 UTC') ?? '',
      /stops {5}20 min after .*; up again by schedule, Mon 08:00 \(Mon 08:00-18:00 UTC\)$/,
    )
    assert.match(told('00:00-24:00 UTC') ?? '', /stops {5}up by schedule without an end \(00:00-24:00 UTC\)$/)
    assert.match(told('08:00-18:00 UTC', null) ?? '', /until 18:00 \(.*\); then not by itself$/)
    // Of a newer version, which this one cannot read.
    assert.match(told('weekdays') ?? '', /stops {5}20 min after the last/)
  })

  it('lets no word of somebody else move the cursor', () => {
    const leases = [{ owner: 'e\u001b[2Jve', reason: 'a\nb', until: NOW + MINUTE }]
    const text = renderMotd(FILE, { ...FACTS, life: { rules: null, stale: false, leases } }, { now: NOW })
    assert.ok(!text.includes('\u001b'))
    assert.equal(text.split('\n').length, 8)
  })

  it('reads its facts as they were written, and nothing else', () => {
    assert.deepEqual(parseMotdFacts(JSON.stringify(FACTS)), FACTS)
    for (const text of ['', '{', 'null', JSON.stringify({ ...FACTS, v: 2 })])
      assert.equal(parseMotdFacts(text), undefined)
  })
})
