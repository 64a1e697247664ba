import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, PgctlError } from '#core/errors.ts'
import { chooseBastion, groupAtZero } from '#core/installation/bastion-choice.ts'
import type { Bastion, Unreadable } from '#core/installation/inventory.ts'
import { bastion, inventory, LOST, MINUTE, NOW, ONLINE, thrownBy } from './support.ts'

const QUERY = { wanted: 'paragon-acme-5d1f0c2e-bastion', now: NOW }
const OLD = bastion({ id: 'i-00000000000000old', launchedAt: NOW - 900 * MINUTE })
const NEW = bastion({ id: 'i-00000000000000new', launchedAt: NOW - 2 * MINUTE })

describe('the bastion that is chosen', () => {
  const rows: { reason: string; bastions: Bastion[]; chosen: string }[] = [
    { reason: 'is the only one', bastions: [OLD], chosen: OLD.id },
    { reason: 'is the newest of two that are online', bastions: [OLD, NEW], chosen: NEW.id },
    {
      reason: 'is the one that is online, though a newer one is starting',
      bastions: [OLD, { ...NEW, agent: { kind: 'unregistered' } }],
      chosen: OLD.id,
    },
    {
      reason: 'is not one that has stopped, though its agent still counts as online',
      bastions: [OLD, { ...NEW, state: 'stopping' }],
      chosen: OLD.id,
    },
    {
      reason: 'may be one whose machine was not asked about, as its agent is online',
      bastions: [{ ...OLD, state: 'unread', launchedAt: undefined }],
      chosen: OLD.id,
    },
    {
      reason: 'is the newest running one where agents may not be asked about',
      bastions: [
        { ...OLD, agent: { kind: 'unread' } },
        { ...NEW, agent: { kind: 'unread' } },
      ],
      chosen: NEW.id,
    },
  ]
  for (const { reason, bastions, chosen } of rows) {
    it(reason, () => {
      const choice = chooseBastion(inventory({ bastions }), QUERY)
      assert.equal(choice.bastion.id, chosen)
      assert.deepEqual(
        choice.others.map(({ id }) => id).sort(),
        bastions
          .map(({ id }) => id)
          .filter((id) => id !== chosen)
          .sort(),
      )
    })
  }
})

describe('where no bastion can be used', () => {
  const refused = new PgctlError('permission-denied', 'not allowed: ec2:DescribeInstances')
  const unreadable: Unreadable[] = [{ part: 'instances', action: 'ec2:DescribeInstances', error: refused }]
  const rows: {
    reason: string
    bastions: Bastion[]
    unreadable?: Unreadable[]
    code: ErrorCode
    message?: RegExp
    why?: RegExp
    next?: RegExp
  }[] = [
    {
      reason: 'there is none of that name',
      bastions: [],
      code: 'bastion-missing',
      message: /no bastion paragon-acme-5d1f0c2e-bastion in eu-central-1/,
      next: /pgctl config/,
    },
    { reason: 'the list was refused', bastions: [], unreadable, code: 'permission-denied' },
    {
      reason: 'it is stopped',
      bastions: [bastion({ state: 'stopped', agent: LOST })],
      code: 'bastion-stopped',
      message: /i-0a1b2c3d4e5f60718 \(paragon-acme-5d1f0c2e-bastion\) is stopped/,
      why: /instance stopped, ping status connection-lost, last ping 2026-11-23T08:00:00.000Z \(2 h ago\), agent 3.3.5102.0, instance profile paragon-acme-5d1f0c2e-bastion/,
      next: /aws ec2 start-instances --region eu-central-1 --instance-ids i-0a1b2c3d4e5f60718/,
    },
    {
      reason: 'it is stopping, and its agent still counts as online',
      bastions: [bastion({ state: 'stopping', agent: ONLINE })],
      code: 'bastion-stopped',
    },
    {
      reason: 'it is starting',
      bastions: [bastion({ state: 'pending', agent: { kind: 'unregistered' } })],
      code: 'bastion-stopped',
      message: /still starting/,
      next: /wait/,
    },
    {
      reason: 'its agent was lost',
      bastions: [bastion({ agent: LOST })],
      code: 'agent-offline',
      why: /instance running, ping status connection-lost, last ping .* \(2 h ago\)/,
      next: /reboot-instances/,
    },
    {
      reason: 'its agent never registered, as it has no role',
      bastions: [bastion({ role: undefined, agent: { kind: 'unregistered' } })],
      code: 'agent-offline',
      why: /agent not registered, no instance profile/,
      next: /AmazonSSMManagedInstanceCore/,
    },
    {
      reason: 'its agent never registered, though it has a role',
      bastions: [bastion({ agent: { kind: 'unregistered' } })],
      code: 'agent-offline',
      next: /role of paragon-acme-5d1f0c2e-bastion/,
    },
    {
      reason: 'a running one is the nearest to being usable, though a stopped one is newer',
      bastions: [
        { ...OLD, agent: LOST },
        { ...NEW, state: 'stopped' },
      ],
      code: 'agent-offline',
      message: new RegExp(OLD.id),
    },
    {
      reason: 'nobody knows the state of the machine whose agent was lost',
      bastions: [bastion({ state: 'unread', role: undefined, agent: LOST })],
      code: 'agent-offline',
      why: /instance state unknown.*instance profile unknown/,
    },
  ]
  for (const { reason, bastions, code, message, why, next, ...rest } of rows) {
    it(`says ${code} when ${reason}`, () => {
      const seen = inventory({ bastions, unreadable: rest.unreadable ?? [] })
      const error = thrownBy(() => chooseBastion(seen, QUERY))
      assert.equal(error.code, code)
      if (message !== undefined) assert.match(error.message, message)
      if (why !== undefined) assert.match(error.why ?? '', why)
      if (next !== undefined) assert.match(error.next ?? '', next)
    })
  }
})

describe('a bastion that rests', () => {
  const group = (desired: number) => ({
    ...{ name: 'paragon-acme-5d1f0c2e-bastion', minimum: 0, maximum: 1, desired },
    ...{ zones: [], instances: [], suspended: [] },
  })
  const gone = bastion({ id: 'i-00000000000000old', state: 'shutting-down' })

  it('is stopped, not missing, while its group is at 0', () => {
    for (const bastions of [[], [gone]]) {
      const error = thrownBy(() => chooseBastion(inventory({ bastions, bastionGroups: [group(0)] }), QUERY))
      assert.deepEqual([error.code, error.next], ['bastion-stopped', 'start it: pgctl bastion start'])
    }
  })

  it('is one only where a group was read, and no machine is there', () => {
    for (const [bastions, bastionGroups] of [
      [[], []],
      [[], [group(1)]],
      [[bastion({ id: 'i-00000000000000new', state: 'pending' })], [group(0)]],
    ] as const)
      assert.equal(groupAtZero({ bastions, bastionGroups }), undefined)
  })
})
