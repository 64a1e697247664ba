import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addSeconds, parseLine, secondOf } from '#core/logs/line.ts'

describe('parseLine', () => {
  const rows: ReadonlyArray<{ why: string; line: string; stamp: string | undefined; text: string }> = [
    {
      why: 'the fixed form of most runtimes',
      line: '2026-11-23T07:32:39.663019936Z the line',
      stamp: '2026-11-23T07:32:39.663019936Z',
      text: 'the line',
    },
    {
      why: 'zeros left out, as Go writes RFC3339Nano',
      line: '2026-11-23T07:32:39.66Z x',
      stamp: '2026-11-23T07:32:39.660000000Z',
      text: 'x',
    },
    {
      why: 'no fraction at all',
      line: '2026-11-23T07:32:39Z x',
      stamp: '2026-11-23T07:32:39.000000000Z',
      text: 'x',
    },
    {
      why: "the node's own zone, over midnight",
      line: '2026-11-24T00:32:39.1+01:00 x',
      stamp: '2026-11-23T23:32:39.100000000Z',
      text: 'x',
    },
    {
      why: 'a zone behind UTC, with half an hour',
      line: '2026-11-23T20:00:00.000000001-03:30 x',
      stamp: '2026-11-23T23:30:00.000000001Z',
      text: 'x',
    },
    {
      why: 'an empty line',
      line: '2026-11-23T07:32:39.663019936Z ',
      stamp: '2026-11-23T07:32:39.663019936Z',
      text: '',
    },
    {
      why: 'an empty line whose space was trimmed',
      line: '2026-11-23T07:32:39.663019936Z',
      stamp: '2026-11-23T07:32:39.663019936Z',
      text: '',
    },
    {
      why: 'spaces of the text stay',
      line: '2026-11-23T07:32:39.663019936Z   indented ',
      stamp: '2026-11-23T07:32:39.663019936Z',
      text: '  indented ',
    },
    {
      why: "the cluster's own words have no stamp",
      line: 'failed to watch file "/var/log/pods/x": no such file',
      stamp: undefined,
      text: 'failed to watch file "/var/log/pods/x": no such file',
    },
    {
      why: 'a stamp without a space after it is text',
      line: '2026-11-23T07:32:39.663019936Zx',
      stamp: undefined,
      text: '2026-11-23T07:32:39.663019936Zx',
    },
    {
      why: 'a month that does not exist is text',
      line: '2026-13-23T07:32:39.663019936Z x',
      stamp: undefined,
      text: '2026-13-23T07:32:39.663019936Z x',
    },
    { why: 'nothing', line: '', stamp: undefined, text: '' },
  ]
  for (const { why, line, stamp, text } of rows)
    it(why, () => assert.deepEqual(parseLine(line), { stamp, text }))

  it('orders stamps as moments are ordered, to the nanosecond', () => {
    const moment = fc.record({
      ms: fc.integer({ min: Date.UTC(2001, 0, 1), max: Date.UTC(2099, 0, 1) }),
      nanos: fc.integer({ min: 0, max: 999_999 }),
      minutes: fc.integer({ min: -12 * 60, max: 14 * 60 }),
    })
    type Moment = { ms: number; nanos: number; minutes: number }
    const write = ({ ms, nanos, minutes }: Moment) => {
      const local = new Date(ms + minutes * 60_000).toISOString().slice(0, 23)
      const zone = `${minutes < 0 ? '-' : '+'}${new Date(Math.abs(minutes) * 60_000).toISOString().slice(11, 16)}`
      const fraction = String(nanos).padStart(6, '0').replace(/0+$/, '')
      return `${local}${fraction}${zone} text`
    }
    fc.assert(
      fc.property(moment, moment, (a, b) => {
        const [left, right] = [parseLine(write(a)).stamp, parseLine(write(b)).stamp]
        assert.ok(left !== undefined && right !== undefined)
        const order = a.ms - b.ms || a.nanos - b.nanos
        assert.equal(Math.sign(order), left < right ? -1 : left > right ? 1 : 0)
      }),
      { numRuns: 500 },
    )
  })

  it('gives stamps whose seconds can always be counted with', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d) x$/),
        (line) => {
          const { stamp } = parseLine(line)
          if (stamp === undefined) return
          assert.equal(stamp.length, 30)
          assert.match(addSeconds(secondOf(stamp), -1), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$|^-/)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('addSeconds', () => {
  it('carries over minutes, days and years', () => {
    assert.equal(addSeconds('2026-11-23T07:32:39', 1), '2026-11-23T07:32:40')
    assert.equal(addSeconds('2027-01-01T00:00:00', -1), '2026-12-31T23:59:59')
  })
})
