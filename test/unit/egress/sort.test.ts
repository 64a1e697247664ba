import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isInside } from '#core/egress/address.ts'
import { looksLikeFlowLog, parseFlowLog } from '#core/egress/flow-log.ts'
import { looksLikeResolverLog, parseResolverLog } from '#core/egress/resolver-log.ts'
import { type SortInput, sortFlows } from '#core/egress/sort.ts'

const T = Date.UTC(2026, 10, 20, 12)
const second = (ms: number) => Math.floor(ms / 1_000)
const VENDOR = 'license.vendor.example'
const NODE = 'eni-0aaa'
const FUNCTION = 'eni-0fff'
const OTHER = 'eni-0ccc'

/** A record of version 2. */
function record(changes: Record<string, unknown> = {}): string {
  const fields = {
    version: 2,
    account: '111122223333',
    interface: NODE,
    source: '10.0.1.5',
    destination: '203.0.113.10',
    sourcePort: 45_678,
    port: 443,
    protocol: 6,
    packets: 10,
    bytes: 4_000,
    start: second(T),
    end: second(T) + 60,
    action: 'ACCEPT',
    status: 'OK',
    ...changes,
  }
  return Object.values(fields).join(' ')
}

function lookup(name: string, address: string, at = T - 1_000): string {
  return JSON.stringify({
    version: '1.100000',
    query_timestamp: new Date(at).toISOString(),
    query_name: `${name}.`,
    query_type: 'A',
    rcode: 'NOERROR',
    answers: [{ Rdata: address, Type: 'A', Class: 'IN' }],
    srcaddr: '10.0.1.5',
  })
}

function sorted(records: readonly string[], lookups: readonly string[], changes: Partial<SortInput> = {}) {
  return sortFlows({
    flows: parseFlowLog(records.join('\n')).flows,
    lookups: parseResolverLog(lookups.join('\n')).lookups,
    announced: [],
    vendorHost: VENDOR,
    workloads: new Set([NODE]),
    foreign: [{ name: 'feature flags', hosts: ['github.com'], setting: 'give a flags file' }],
    ...changes,
  })
}

describe('flow logs', () => {
  it('are read by the names of their fields, in whatever order', () => {
    const text = [
      'interface-id action start end dstaddr srcaddr dstport',
      `${NODE} ACCEPT ${second(T)} ${second(T) + 9} 203.0.113.10 10.0.1.5 443`,
    ].join('\n')
    assert.ok(looksLikeFlowLog(text))
    const [flow] = parseFlowLog(text).flows
    assert.deepEqual([flow?.interface, flow?.port, flow?.start, flow?.accepted], [NODE, 443, T, true])
  })

  it('tell what they have lost, and what is no record', () => {
    const nothing = record({ source: '-', destination: '-', action: '-', status: 'NODATA' })
    const lost = record({ source: '-', destination: '-', action: '-', status: 'SKIPDATA' })
    const log = parseFlowLog([record(), nothing, lost, 'what is this'].join('\n'))
    assert.deepEqual([log.flows.length, log.skipped, log.malformed], [1, 1, 1])
  })

  it('of any text are read without an error (property)', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseFlowLog(text)
        parseResolverLog(text)
      }),
    )
  })
})

describe('resolver logs', () => {
  it('say which addresses a name had, and pass over aliases', () => {
    const query = {
      query_timestamp: new Date(T).toISOString(),
      query_name: 'API.Example.com.',
      answers: [
        { Rdata: 'alias.example.net.', Type: 'CNAME', Class: 'IN' },
        { Rdata: '203.0.113.1', Type: 'A', Class: 'IN' },
        { Rdata: '2001:db8::1', Type: 'AAAA', Class: 'IN' },
      ],
    }
    const text = JSON.stringify(query)
    assert.ok(looksLikeResolverLog(text))
    assert.deepEqual(parseResolverLog(`${text}\n{"no":1}\n`), {
      lookups: [
        { name: 'api.example.com', address: '203.0.113.1', at: T },
        { name: 'api.example.com', address: '2001:db8::1', at: T },
      ],
      malformed: 1,
    })
  })
})

describe('inside and outside', () => {
  const rows: ReadonlyArray<readonly [address: string, inside: boolean]> = [
    ['10.1.2.3', true],
    ['172.31.0.1', true],
    ['172.32.0.1', false],
    ['192.168.1.1', true],
    ['169.254.169.254', true],
    ['100.64.0.1', true],
    ['203.0.113.10', false],
    ['224.0.0.1', true],
    ['fd00::1', true],
    ['fe80::1', true],
    ['2a05:d018::1', false],
    ['::1', true],
    ['::ffff:10.0.0.1', true],
    ['::ffff:203.0.113.10', false],
  ]
  for (const [address, inside] of rows)
    it(`${address} is ${inside ? 'inside' : 'outside'}`, () => assert.equal(isInside(address), inside))
})

describe('sorting what left', () => {
  it('leaves out what stays inside, was rejected, came in, or answers what came in', () => {
    const records = [
      record({ destination: '10.0.2.7' }),
      record({ action: 'REJECT' }),
      record({ source: '203.0.113.10', destination: '10.0.1.5', sourcePort: 443, port: 45_678 }),
      record({ sourcePort: 443, port: 51_000 }),
    ]
    const { left, unexplained, workload } = sorted(records, [])
    assert.deepEqual([left, unexplained, workload], [0, [], []])
  })

  it('finds the row of a request to the vendor', () => {
    const { ledger, unexplained, unseen } = sorted(
      [record({ interface: FUNCTION })],
      [lookup(VENDOR, '203.0.113.10')],
      { announced: [{ row: 7, at: T + 2_000, kind: 'license', host: VENDOR }] },
    )
    assert.deepEqual(
      ledger.map(({ rows, to }) => [rows, to]),
      [[[7], VENDOR]],
    )
    assert.deepEqual([unexplained, unseen], [[], []])
  })

  it('does not explain a request to the vendor that no row announces', () => {
    const { unexplained } = sorted([record({ interface: FUNCTION })], [lookup(VENDOR, '203.0.113.10')], {
      announced: [{ row: 7, at: T + 3_600_000, kind: 'license', host: VENDOR }],
    })
    assert.deepEqual(
      unexplained.map(({ to }) => to),
      [VENDOR],
    )
  })

  it('tells requests of the product to the vendor apart from what it does for its customers', () => {
    const { workload } = sorted(
      [record(), record({ destination: '198.51.100.4' })],
      [lookup(VENDOR, '203.0.113.10'), lookup('api.crm.example', '198.51.100.4')],
    )
    assert.deepEqual(
      workload.map(({ to, toVendor }) => [to, toVendor]),
      [
        [VENDOR, true],
        ['api.crm.example', false],
      ],
    )
  })

  it('names known flows of others with the setting that stops them, whoever sends them', () => {
    const { foreign } = sorted(
      [record({ destination: '198.51.100.9' }), record({ destination: '198.51.100.9', interface: OTHER })],
      [lookup('codeload.github.com', '198.51.100.9')],
    )
    assert.deepEqual(
      foreign.map(({ name, setting, interface: from }) => [name, setting, from]),
      [NODE, OTHER].map((from) => ['feature flags', 'give a flags file', from]),
    )
  })

  it("takes the cloud's own services by their form, and not everything that others run there", () => {
    const cloud = { name: 'cloud', hosts: ['*.*.amazonaws.com'], setting: 'endpoints' }
    for (const [name, known] of [
      ['dynamodb.eu-central-1.amazonaws.com', 1],
      ['tracker-123.eu-central-1.elb.amazonaws.com', 0],
      ['amazonaws.com', 0],
    ] as const) {
      const { foreign } = sorted([record({ interface: OTHER })], [lookup(name, '203.0.113.10')], {
        foreign: [cloud],
      })
      assert.equal(foreign.length, known, name)
    }
  })

  it('leaves unexplained what nobody can be asked about', () => {
    const { unexplained, unproved } = sorted([record({ interface: OTHER })], [])
    assert.deepEqual(
      unexplained.map(({ to, flows, bytes }) => [to, flows, bytes]),
      [['203.0.113.10', 1, 4_000]],
    )
    assert.match(unproved.join(), /no name had been looked up/)
  })

  it('does not take a name for an address that was looked up long before or after', () => {
    for (const at of [T - 2 * 3_600_000, T + 3_600_000]) {
      const { unexplained } = sorted(
        [record({ interface: OTHER })],
        [lookup('github.com', '203.0.113.10', at)],
      )
      assert.equal(unexplained.length, 1)
    }
  })

  it('says that it cannot prove what an address meant that two names share', () => {
    const { unproved } = sorted(
      [record({ interface: OTHER })],
      [lookup('github.com', '203.0.113.10'), lookup('tracker.example', '203.0.113.10')],
    )
    assert.match(unproved.join(), /several names share the address/)
  })

  it('says that a kept connection may have carried more than it shows', () => {
    const { unproved } = sorted([record({ interface: FUNCTION })], [lookup(VENDOR, '203.0.113.10')], {
      announced: [1, 3].map((row) => ({ row, at: T + row * 1_000, kind: 'license', host: VENDOR })),
    })
    assert.match(unproved.join(), /several rows/)
  })

  it('tells rows that left no trace while the logs were written', () => {
    const { unseen } = sorted([record()], [], {
      announced: [
        { row: 1, at: T + 1_000, kind: 'license', host: VENDOR },
        { row: 3, at: T - 90_000_000, kind: 'license', host: VENDOR },
      ],
    })
    assert.deepEqual(unseen, [1])
  })

  it('sorts every flow that left into one place (property)', () => {
    const flow = fc.record({
      interface: fc.constantFrom(NODE, FUNCTION, OTHER),
      destination: fc.constantFrom('203.0.113.10', '198.51.100.9', '198.51.100.4', '10.0.0.9'),
      action: fc.constantFrom('ACCEPT', 'REJECT'),
    })
    const names = [lookup(VENDOR, '203.0.113.10'), lookup('github.com', '198.51.100.9')]
    fc.assert(
      fc.property(fc.array(flow), (flows) => {
        const { left, ledger, workload, foreign, unexplained } = sorted(flows.map(record), names, {
          announced: [{ row: 1, at: T, kind: 'license', host: VENDOR }],
        })
        const total = [...ledger, ...workload, ...foreign, ...unexplained].reduce(
          (sum, { flows: n }) => sum + n,
          0,
        )
        assert.equal(total, left)
        assert.equal(
          left,
          flows.filter(({ action, destination }) => action === 'ACCEPT' && !destination.startsWith('10.'))
            .length,
        )
      }),
    )
  })

  it('counts what a gateway passed on where it came from, and keeps what nobody inside has sent', () => {
    const [gateway, at] = ['eni-0nat', '203.0.113.10']
    const inside = record({ interface: NODE, destination: at })
    const passed = record({ interface: gateway, source: '10.0.9.9', destination: at })
    const later = second(T) + 3_600
    const alone = record({
      interface: gateway,
      source: '10.0.9.9',
      destination: at,
      start: later,
      end: later + 60,
    })
    const { left, relayed, workload, unexplained } = sorted([inside, passed, alone], [], {
      relays: new Set([gateway]),
    })
    assert.deepEqual([left, relayed, workload.length, unexplained.length], [2, 1, 1, 1])
    assert.equal(unexplained[0]?.first, later * 1_000)
  })

  it('takes a row only from a function, where it is known which interfaces are of functions', () => {
    const announced = [{ row: 1, at: T + 30_000, kind: 'license', host: VENDOR }]
    const names = [lookup(VENDOR, '203.0.113.10')]
    const from = (each: string, functions?: ReadonlySet<string>) =>
      sorted([record({ interface: each })], names, { announced, functions }).ledger.length
    assert.equal(from(OTHER), 1)
    assert.equal(from(OTHER, new Set([FUNCTION])), 0)
    assert.equal(from(FUNCTION, new Set([FUNCTION])), 1)
  })
})
