import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import {
  type JournalEntry,
  journalKey,
  judgeEntry,
  type ProcessIdentity,
  parseJournalEntry,
  type SessionPlace,
} from '#core/tunnel/journal.ts'
import { type Processes, SessionJournal, sweepSessions } from '#core/tunnel/session-journal.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryStore } from '../../support/memory-store.ts'

const DAY = 24 * 3_600_000
const HERE: SessionPlace = { installation: 'acme', account: '111122223333', region: 'eu-central-1' }
const ME: ProcessIdentity = { machine: 'laptop', pid: 10, start: 'boot:1' }
const ENTRY: JournalEntry = { sessionId: 'dev@acme.example-0a1B', place: HERE, owner: ME, startedAt: 0 }

describe('journalKey', { timeout: 10_000 }, () => {
  it('is a key whatever the session id holds', () => {
    for (const id of ['dev@acme.example-0a1B', '../../x', 'É', 'a'.repeat(500)])
      assert.match(journalKey(id), /^sessions\/[0-9a-f]{32}$/)
    assert.notEqual(journalKey('a'), journalKey('A'))
  })
})

describe('judgeEntry', { timeout: 10_000 }, () => {
  const context = { place: HERE, machine: 'laptop', isOwnerAlive: false, now: DAY }
  for (const [why, change, verdict] of [
    ['its owner is gone', {}, 'leftover'],
    ['its owner lives', { isOwnerAlive: true }, 'in-use'],
    ['its owner is on another machine', { machine: 'desktop' }, 'in-use'],
    ['another account', { place: { ...HERE, account: '444455556666' } }, 'elsewhere'],
    ['another region', { place: { ...HERE, region: 'us-east-1' } }, 'elsewhere'],
    ['the same place under another name', { place: { ...HERE, installation: 'acme-2' } }, 'leftover'],
    ['older than the memory of the service', { now: 31 * DAY, isOwnerAlive: true }, 'forgotten'],
  ] as const)
    it(`${verdict}: ${why}`, () => assert.equal(judgeEntry(ENTRY, { ...context, ...change }), verdict))
})

describe('parseJournalEntry', { timeout: 10_000 }, () => {
  it('takes what was written, with or without an installation', () => {
    const place = { region: 'eu-central-1', installation: undefined, account: '111122223333' }
    for (const entry of [ENTRY, { ...ENTRY, place }]) assert.deepEqual(parseJournalEntry(entry, 'k'), entry)
  })

  const { sessionId: _, ...noSession } = ENTRY
  for (const [index, value] of [
    null,
    [],
    'x',
    {},
    noSession,
    { ...ENTRY, sessionId: '' },
    { ...ENTRY, startedAt: '1' },
    { ...ENTRY, place: { region: 7 } },
    { ...ENTRY, place: { ...HERE, account: 7 } },
    { ...ENTRY, owner: { ...ME, pid: '10' } },
    { ...ENTRY, owner: { ...ME, start: 1 } },
    { ...ENTRY, owner: undefined },
  ].entries())
    it(`refuses malformed entry ${index}`, () => {
      assert.throws(
        () => parseJournalEntry(value, 'k'),
        (error) => isPgctlError(error, 'state-invalid'),
      )
    })
})

describe('the journal and the sweep', { timeout: 10_000 }, () => {
  const setUp = (alive: readonly number[] = []) => {
    const store = new MemoryStore()
    const clock = new ManualClock()
    const asked: number[] = []
    const processes: Processes = {
      self: async () => ME,
      isAlive: async ({ pid }) => {
        asked.push(pid)
        return alive.includes(pid)
      },
    }
    const terminated: string[] = []
    const api = {
      async terminate(sessionId: string) {
        if (sessionId === 'stuck') throw new PgctlError('permission-denied', 'no')
        terminated.push(sessionId)
      },
    }
    const left = (sessionId: string, owner: Partial<ProcessIdentity> = {}, place = HERE) =>
      store.write(journalKey(sessionId), {
        sessionId,
        place,
        owner: { ...ME, pid: 99, ...owner },
        startedAt: clock.now().wall,
      })
    const context = { store, clock, processes, place: HERE, api }
    return { ...context, context, terminated, left, asked }
  }

  it('knows a session from its start to its end', async () => {
    const { store, context, clock } = setUp()
    const journal = new SessionJournal(context)
    await journal.started('s-1')
    assert.deepEqual((await store.read(journalKey('s-1')))?.value, {
      sessionId: 's-1',
      place: HERE,
      owner: ME,
      startedAt: clock.now().wall,
    })
    await journal.terminated('s-1')
    assert.equal(store.documents.size, 0)
  })

  it('terminates what a killed process left, and nothing else', async () => {
    const { store, context, terminated, left, asked } = setUp([7])
    await left('dead')
    await left('alive', { pid: 7 })
    await left('other machine', { machine: 'desktop' })
    await left('elsewhere', {}, { ...HERE, region: 'us-east-1' })
    const { terminated: swept, failed } = await sweepSessions(context)
    assert.deepEqual(terminated, ['dead'])
    assert.deepEqual(
      swept.map(({ sessionId }) => sessionId),
      ['dead'],
    )
    assert.deepEqual(failed, [])
    assert.equal(store.documents.size, 3)
    assert.deepEqual(asked.sort(), [7, 99, 99])
    assert.deepEqual((await sweepSessions(context)).terminated, [])
  })

  it('forgets what the service has forgotten', async () => {
    const { store, context, clock, terminated, left } = setUp()
    await left('old')
    clock.advance(31 * DAY)
    assert.deepEqual(await sweepSessions(context), { terminated: [], failed: [] })
    assert.deepEqual(terminated, [])
    assert.equal(store.documents.size, 0)
  })

  it('goes on past what it cannot terminate or read, keeps it and says so', async () => {
    const { store, context, left, terminated } = setUp()
    await left('stuck')
    await store.write('sessions/broken', { nonsense: true })
    await left('dead')
    const { failed } = await sweepSessions(context)
    assert.deepEqual(terminated, ['dead'])
    assert.deepEqual(
      failed.map(({ sessionId, error }) => [sessionId, isPgctlError(error) && error.code]).sort(),
      [
        [undefined, 'state-invalid'],
        ['stuck', 'permission-denied'],
      ].sort(),
    )
    assert.equal(store.documents.size, 2)
  })

  it('reports a state folder that cannot be listed, and an abort, without throwing', async () => {
    const { context, store, left, terminated } = setUp()
    await left('dead')
    const { failed } = await sweepSessions(context, AbortSignal.abort())
    assert.equal(failed.length, 1)
    store.list = async () => {
      throw new PgctlError('state-invalid', 'no')
    }
    assert.equal((await sweepSessions(context)).failed.length, 1)
    assert.deepEqual(terminated, [])
  })
})
