import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogLedger } from '#core/logs/ledger.ts'
import { parseLine, type Stamp } from '#core/logs/line.ts'
import { logSource } from '../../support/log-source.ts'

const SOURCE = logSource('hermes-1')
const GAP = {
  kind: 'gap',
  after: '2026-11-23T11:02:14.000000000Z' as Stamp,
  before: '2026-11-23T11:02:31.000000000Z' as Stamp,
} as const

describe('LogLedger', () => {
  it('counts streams, lines and reconnects, and has no hole where every seam fits', () => {
    const ledger = new LogLedger()
    ledger.opened()
    ledger.opened()
    for (const text of ['a', 'b', 'c'])
      ledger.see({ event: 'line', source: SOURCE, line: parseLine(text), rest: [], late: false })
    ledger.see({
      event: 'line',
      source: SOURCE,
      line: parseLine('d'),
      rest: [parseLine(' at e')],
      late: false,
    })
    ledger.see({ event: 'reconnecting', source: SOURCE, why: 'cut', after: 0 })
    ledger.see({ event: 'resumed', source: SOURCE, seam: { kind: 'whole' } })
    ledger.see({ event: 'over', source: SOURCE, how: { kind: 'whole', end: undefined } })
    ledger.see({ event: 'over', source: SOURCE, how: { kind: 'unchecked' } })
    assert.deepEqual(ledger.summary(7), {
      streams: 2,
      lines: 5,
      hidden: 7,
      reconnects: 1,
      unchecked: 1,
      holeCount: 0,
      holes: [],
    })
  })

  it('names every hole', () => {
    const ledger = new LogLedger()
    ledger.see({ event: 'gap', source: SOURCE, seam: GAP })
    ledger.see({ event: 'resumed', source: SOURCE, seam: { kind: 'uncertain', after: GAP.after } })
    ledger.see({ event: 'over', source: SOURCE, how: { kind: 'lost', why: 'the pod is gone' } })
    const { holeCount, holes, reconnects } = ledger.summary(0)
    assert.deepEqual(
      { holeCount, holes, reconnects },
      {
        holeCount: 3,
        reconnects: 1,
        holes: [
          { source: SOURCE, seam: GAP },
          { source: SOURCE, seam: { kind: 'uncertain', after: GAP.after } },
          { source: SOURCE, why: 'the pod is gone' },
        ],
      },
    )
  })

  it('counts holes without end, and keeps the first thousand', () => {
    const ledger = new LogLedger()
    for (let count = 0; count < 1_500; count++) ledger.see({ event: 'gap', source: SOURCE, seam: GAP })
    const { holeCount, holes } = ledger.summary(0)
    assert.deepEqual([holeCount, holes.length], [1_500, 1_000])
  })
})
