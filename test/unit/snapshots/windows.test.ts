import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAvoided, whyNotNow } from '#core/snapshots/windows.ts'
import { Zone } from '#core/snapshots/zone.ts'

const BERLIN = new Zone('Europe/Berlin')

describe('whyNotNow', () => {
  // 2026-11-24 is a Tuesday; Berlin is an hour ahead of UTC.
  const maintenance = [{ what: 'maintenance', span: 'tue:04:00-tue:05:00' }] as const
  const backup = [{ what: 'backup', span: '23:30-00:30' }] as const
  for (const [at, avoid, provider, want] of [
    ['2026-11-24T03:59Z', [], maintenance, undefined],
    ['2026-11-24T04:00Z', [], maintenance, 'its maintenance window is open (tue:04:00-tue:05:00 UTC)'],
    ['2026-11-24T05:00Z', [], maintenance, undefined],
    ['2026-11-25T04:30Z', [], maintenance, undefined],
    ['2026-11-24T23:45Z', [], backup, 'its backup window is open (23:30-00:30 UTC)'],
    ['2026-11-25T00:29Z', [], backup, 'its backup window is open (23:30-00:30 UTC)'],
    ['2026-11-25T00:30Z', [], backup, undefined],
    ['2026-11-24T03:30Z', ['tue 04:00-05:00'], [], 'the policy avoids tue 04:00-05:00 (Europe/Berlin)'],
    ['2026-11-24T04:30Z', ['tue 04:00-05:00'], [], undefined],
    [
      '2026-11-28T04:30Z',
      ['fri-mon 22:00-06:00'],
      [],
      'the policy avoids fri-mon 22:00-06:00 (Europe/Berlin)',
    ],
    ['2026-11-26T04:30Z', ['fri-mon 22:00-06:00'], [], undefined],
    ['2026-11-22T00:30Z', ['sat 23:00-02:00'], [], 'the policy avoids sat 23:00-02:00 (Europe/Berlin)'],
  ] as const)
    it(`${at}, ${[...avoid, ...provider.map(({ span }) => span)].join()}: ${want ?? 'may begin'}`, () => {
      const spans = avoid.map((text) => parseAvoided(text) ?? assert.fail(text))
      assert.equal(whyNotNow(Date.parse(at), BERLIN, spans, provider), want)
    })

  it('a weekly window over the end of the week', () => {
    const window = [{ what: 'maintenance', span: 'sun:23:30-mon:00:30' }] as const
    assert.ok(whyNotNow(Date.parse('2026-11-23T00:10Z'), BERLIN, [], window))
    assert.ok(whyNotNow(Date.parse('2026-11-22T23:40Z'), BERLIN, [], window))
    assert.equal(whyNotNow(Date.parse('2026-11-22T00:10Z'), BERLIN, [], window), undefined)
  })

  for (const text of ['', 'tue', '04:00', 'xyz 04:00-05:00', '25:00-26:00', 'mon-fri'])
    it(`is no window: ${JSON.stringify(text)}`, () => assert.equal(parseAvoided(text), undefined))
})
