import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { canonicalHost, destinationOf } from '#sandbox/agent/destination.ts'
import { WORLD, type WorldPorts } from '#sandbox/world.ts'

const world: WorldPorts = { kubernetes: 1001, grafana: 1002, payload: 1003, product: 1004 }

/** 169.254.169.254 in the spellings that a comparison of texts would let pass. */
const METADATA = [
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '0xa9.0xfe.0xa9.0xfe',
  '169.254.43518',
  '169.16689662',
  '0251.254.0xa9.254',
  '169.254.169.254.',
  '::ffff:169.254.169.254',
  '[::ffff:169.254.169.254]',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '::a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::',
]

describe('destinations of a bastion', { timeout: 10_000 }, () => {
  for (const spelling of METADATA) {
    it(`forbids the metadata service as ${spelling}`, () => {
      assert.equal(destinationOf(spelling, 80, world).kind, 'forbidden')
    })
  }

  for (const host of ['fd00:ec2::254', 'FD00:EC2:0:0::254', 'fe80::1', '169.254.0.1', '169.254.170.2']) {
    it(`forbids ${host}`, () => assert.equal(destinationOf(host, 80, world).kind, 'forbidden'))
  }

  const rows: { host: string; port: number; want: ReturnType<typeof destinationOf>; reason: string }[] = [
    {
      host: WORLD.payloadHost,
      port: 8080,
      want: { kind: 'dial', loopbackPort: 1003 },
      reason: 'a private name',
    },
    {
      host: `${WORLD.payloadHost.toUpperCase()}.`,
      port: 8080,
      want: { kind: 'dial', loopbackPort: 1003 },
      reason: 'names have no case, and a dot is the root',
    },
    {
      host: WORLD.cluster.host,
      port: 443,
      want: { kind: 'dial', loopbackPort: 1001 },
      reason: 'the cluster',
    },
    { host: '10.0.32.40', port: 8080, want: { kind: 'dial', loopbackPort: 1003 }, reason: 'a pod' },
    { host: '0xa.0.32.40', port: 8080, want: { kind: 'dial', loopbackPort: 1003 }, reason: 'the same pod' },
    {
      host: '::ffff:10.0.32.40',
      port: 8080,
      want: { kind: 'dial', loopbackPort: 1003 },
      reason: 'and again',
    },
    { host: WORLD.payloadHost, port: 8081, want: { kind: 'closed' }, reason: 'a closed port' },
    { host: 'localhost', port: 22, want: { kind: 'closed' }, reason: 'nothing listens on the bastion' },
    { host: '127.0.0.1', port: 1003, want: { kind: 'closed' }, reason: 'this computer is not the bastion' },
    { host: '2130706433', port: 1003, want: { kind: 'closed' }, reason: 'loopback as a number' },
    { host: '::1', port: 1003, want: { kind: 'closed' }, reason: 'loopback in IPv6' },
    { host: '::ffff:127.0.0.1', port: 1003, want: { kind: 'closed' }, reason: 'loopback, mapped' },
    { host: '0.0.0.0', port: 1003, want: { kind: 'closed' }, reason: 'loopback by another name' },
    { host: '::', port: 1003, want: { kind: 'closed' }, reason: 'loopback by another name' },
    {
      host: 'hermes.paragon.svc',
      port: 1702,
      want: { kind: 'unknown' },
      reason: 'only the cluster knows it',
    },
    {
      host: 'hermes.paragon.svc.cluster.local',
      port: 1702,
      want: { kind: 'unknown' },
      reason: 'only the cluster knows it',
    },
    { host: '172.20.31.7', port: 1702, want: { kind: 'unknown' }, reason: 'a ClusterIP is not routable' },
    { host: 'example.com', port: 443, want: { kind: 'unknown' }, reason: 'the world is small' },
    { host: '', port: 80, want: { kind: 'unknown' }, reason: 'no host' },
    { host: 'a/b', port: 80, want: { kind: 'unknown' }, reason: 'no host' },
    { host: 'user@169.254.169.254', port: 80, want: { kind: 'unknown' }, reason: 'no host' },
    { host: '169.254.169.254:80', port: 80, want: { kind: 'unknown' }, reason: 'a port belongs elsewhere' },
    { host: '%31', port: 80, want: { kind: 'unknown' }, reason: 'no host' },
  ]
  for (const { host, port, want, reason } of rows) {
    it(`${host}:${port}: ${reason}`, () => assert.deepEqual(destinationOf(host, port, world), want))
  }

  it('has one spelling for an address', () => {
    assert.equal(canonicalHost('0300.0250.1.1'), '192.168.1.1')
    assert.equal(canonicalHost('2001:DB8:0:0:0:0:0:1'), '2001:db8::1')
    assert.equal(canonicalHost('Example.COM.'), 'example.com')
  })
})
