import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { classifySubnets, type Route, type RouteTable } from '#core/installation/network.ts'

const subnet = { id: 'subnet-1', name: 'called-public', zone: 'a', range: '10.0.0.0/24' }
const route = (via: string, active = true): Route => ({ to: '0.0.0.0/0', via, active })

function table(values: Partial<RouteTable>): RouteTable {
  return { id: 'rtb-1', name: undefined, main: false, subnetIds: [], routes: [], ...values }
}

describe('the kind of a subnet', () => {
  for (const [why, tables, kind] of [
    [
      'its own table leads to an internet gateway',
      [table({ subnetIds: ['subnet-1'], routes: [route('igw-1')] })],
      'public',
    ],
    [
      'its own table leads to a NAT gateway',
      [table({ subnetIds: ['subnet-1'], routes: [route('nat-1')] })],
      'private',
    ],
    ['it follows the main table', [table({ main: true, routes: [route('igw-1')] })], 'public'],
    [
      'its own table goes before the main one',
      [table({ main: true, routes: [route('igw-1')] }), table({ id: 'rtb-2', subnetIds: ['subnet-1'] })],
      'private',
    ],
    ['the gateway is gone', [table({ main: true, routes: [route('igw-1', false)] })], 'private'],
    ['only IPv6 may go out', [table({ main: true, routes: [route('eigw-1')] })], 'private'],
    [
      'there is no table that it follows',
      [table({ subnetIds: ['subnet-2'], routes: [route('igw-1')] })],
      'unread',
    ],
    ['tables could not be read', undefined, 'unread'],
  ] as const)
    it(`is ${kind} where ${why}`, () => assert.equal(classifySubnets([subnet], tables)[0]?.kind, kind))
})
