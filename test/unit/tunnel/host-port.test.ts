import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  formatHostPort,
  isLoopbackHost,
  parseAddress,
  parseHost,
  parseLabel,
  parsePort,
} from '#core/tunnel/host-port.ts'

describe('parsePort', { timeout: 10_000 }, () => {
  for (const [text, port] of [
    ['1', 1],
    ['80', 80],
    ['65535', 65_535],
    ['0', undefined],
    ['65536', undefined],
    ['080', undefined],
    ['+80', undefined],
    ['8e1', undefined],
    ['80 ', undefined],
    ['', undefined],
  ] as const)
    it(`${JSON.stringify(text)} → ${port}`, () => assert.equal(parsePort(text), port))
})

describe('parseHost', { timeout: 10_000 }, () => {
  for (const [text, host, why] of [
    ['db.internal', 'db.internal', 'as it is'],
    ['DB.Internal.', 'db.internal', 'case and the final dot mean nothing'],
    ['db', 'db', 'one label is a host, too'],
    ['_x_.db.internal', '_x_.db.internal', 'real zones have underscores'],
    ['10.0.0.7', '10.0.0.7', 'IPv4'],
    ['10.0.0.07', undefined, 'octal to some resolvers'],
    ['10.0.7', undefined, 'the short form, read in different ways'],
    ['10.0.0.256', undefined, 'not an address, and never a name'],
    ['1.2.3.4.5', undefined, 'a name does not end in a number'],
    ['0x7f.1', undefined, 'a name does not end in a number'],
    ['::1', '::1', 'IPv6'],
    ['[FD00:0:0::7]', 'fd00::7', 'the spelling of RFC 5952'],
    ['::ffff:10.0.0.7', '::ffff:a00:7', 'IPv4 inside'],
    ['fe80::1%eth0', undefined, 'a zone means nothing to the far side'],
    ['[::1', undefined, 'half a bracket'],
    ['[]', undefined, 'nothing in brackets'],
    ['::g', undefined, 'not hexadecimal'],
    ['', undefined, 'nothing'],
    ['a..b', undefined, 'an empty label'],
    ['-a.b', undefined, 'a dash at the edge of a label'],
    ['a b.c', undefined, 'a space'],
    ['\u212a.b', undefined, 'a letter that lower-cases to a Latin one'],
    ['db.internal;reboot', undefined, 'what a shell would read'],
    [`${'a'.repeat(64)}.b`, undefined, 'a label of 64'],
    [`${'a.'.repeat(126)}bb`, undefined, 'a name of 254'],
    [`${'a.'.repeat(126)}b`, `${'a.'.repeat(126)}b`, 'a name of 253'],
  ] as const)
    it(`${JSON.stringify(text.slice(0, 30))}: ${why}`, () => assert.equal(parseHost(text), host))

  it('has one spelling for every IPv6 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const host = parseHost(address)
        assert.ok(host !== undefined && isIPv6(host))
        assert.equal(parseHost(`[${address.toUpperCase()}]`), host)
        assert.equal(parseHost(host), host)
      }),
      { numRuns: 300 },
    )
  })

  it('gives its own text back for whatever it accepts', () => {
    fc.assert(
      fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.string({ maxLength: 20 })), (text) => {
        const host = parseHost(text)
        if (host !== undefined) assert.equal(parseHost(host), host)
      }),
      { numRuns: 500 },
    )
  })
})

describe('parseLabel', { timeout: 10_000 }, () => {
  for (const [text, label] of [
    ['grafana', 'grafana'],
    ['Redis-Queue', 'redis-queue'],
    ['0-0', '0-0'],
    ['a.b', undefined],
    ['a_b', undefined],
    ['-a', undefined],
    ['a-', undefined],
    ['', undefined],
    ['\u212a', undefined],
  ] as const)
    it(JSON.stringify(text), () => assert.equal(parseLabel(text), label))
})

describe('parseAddress', { timeout: 10_000 }, () => {
  for (const [text, address] of [
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['FD00:0::1', 'fd00::1'],
    ['localhost', undefined],
    ['db.internal', undefined],
    ['127.1', undefined],
  ] as const)
    it(text, () => assert.equal(parseAddress(text), address))
})

it('formatHostPort puts IPv6 into brackets', () => {
  assert.equal(formatHostPort('fd00::7', 80), '[fd00::7]:80')
  assert.equal(formatHostPort('db.internal', 5432), 'db.internal:5432')
})

it('isLoopbackHost knows every way to say "this machine"', () => {
  for (const host of ['localhost', '::1', '127.0.0.1', '127.8.9.10']) assert.ok(isLoopbackHost(host), host)
  for (const host of ['0.0.0.0', '::', '10.127.0.1', 'localhost.internal'])
    assert.ok(!isLoopbackHost(host), host)
})
