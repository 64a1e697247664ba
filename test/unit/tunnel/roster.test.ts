import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import {
  afterEvent,
  findSame,
  newRecord,
  readyEventOf,
  select,
  type TunnelRecord,
  type TunnelState,
} from '#core/tunnel/control/roster.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'

const target = 'grafana'
const NEW = newRecord({
  ...{ id: 1, installation: 'acme', word: target, who: 'me', lazy: false },
  ...{ implicit: false, reason: undefined, openedAt: 0 },
})
const cause = { code: 'session-ended', message: 'it was ended' } as const
const ready: TunnelEvent = {
  ...{ event: 'ready', target, address: '127.0.0.1', port: 20_001, url: undefined },
  ...{ route: 'cluster', probe: 'answered', detail: '', addresses: [] },
}
const session: TunnelEvent = { event: 'session', target, sessionId: 's-1', instance: 'i-1' }

const after = (events: readonly TunnelEvent[], record = NEW): TunnelRecord =>
  events.reduce(afterEvent, record)

describe('what becomes of a tunnel', { timeout: 10_000 }, () => {
  const rows: ReadonlyArray<[why: string, events: TunnelEvent[], state: TunnelState]> = [
    ['nothing has happened', [], 'opening'],
    ['a session is not yet a tunnel', [session], 'opening'],
    ['a byte has gone and come back', [session, ready], 'ready'],
    ['the way is cut', [session, ready, { event: 'reconnecting', target, cause }], 'reconnecting'],
    [
      'and mended',
      [session, ready, { event: 'reconnecting', target, cause }, { event: 'resumed', target, downForMs: 5 }],
      'ready',
    ],
    ['a lazy one listens', [{ ...ready, lazy: true }], 'asleep'],
    ['and opens a session', [{ ...ready, lazy: true }, session], 'ready'],
    ['and closes it', [{ ...ready, lazy: true }, session, { event: 'asleep', target }], 'asleep'],
    ['it has ended', [session, ready, { event: 'ended', target, cause }], 'ended'],
    [
      'a warning changes nothing',
      [ready, { event: 'warning', target, about: 'route', message: 'x' }],
      'ready',
    ],
  ]
  for (const [why, events, state] of rows)
    it(`${state}: ${why}`, () => assert.equal(after(events).state, state))

  it('knows its session only while it has one', () => {
    assert.equal(after([{ ...ready, lazy: true }, session]).sessionId, 's-1')
    assert.equal(after([{ ...ready, lazy: true }, session, { event: 'asleep', target }]).sessionId, undefined)
  })

  it('counts connections, and the bytes of those that have ended', () => {
    const closing = {
      event: 'connection-closed',
      target,
      connection: 1,
      open: 1,
      sent: 3,
      received: 4,
    } as const
    const { open, connections, sent, received } = after([
      ready,
      { event: 'connection-opened', target, connection: 1, open: 1 },
      { event: 'connection-opened', target, connection: 2, open: 2 },
      closing,
      { ...closing, connection: 2, open: 0 },
    ])
    assert.deepEqual({ open, connections, sent, received }, { open: 0, connections: 2, sent: 6, received: 8 })
  })

  it('is shown to the next who asks as it is', () => {
    assert.equal(readyEventOf(NEW), undefined)
    assert.deepEqual(readyEventOf(after([ready])), {
      ...ready,
      addresses: ['127.0.0.1'],
      detail: 'open already',
    })
  })
})

describe('which tunnels are meant', { timeout: 10_000 }, () => {
  const grafana = after([ready])
  const globex = { ...grafana, id: 2, installation: 'globex' }
  const cluster = { ...grafana, id: 3, target: 'cluster', word: 'cluster' }
  const all = [grafana, globex, cluster]
  const ids = (words: readonly string[], installation?: string) =>
    select(all, { words, installation }).map(({ id }) => id)

  it('all, those of an installation, by name and by number, each once', () => {
    assert.deepEqual(ids([]), [1, 2, 3])
    assert.deepEqual(ids([], 'acme'), [1, 3])
    assert.deepEqual(ids(['cluster', '3', '2']), [3, 2])
    assert.deepEqual(ids(['grafana'], 'globex'), [2])
  })

  it('refuses a name of several installations, and one that none has', () => {
    assert.throws(
      () => ids(['grafana']),
      (error) => isPgctlError(error, 'ambiguous-name'),
    )
    assert.throws(
      () => ids(['grafanna']),
      (error) => isPgctlError(error, 'target-unknown') && error.next === 'did you mean grafana?',
    )
  })

  it('the same is of the same installation, credentials and word, and has not ended', () => {
    const asked = { installation: 'acme', word: 'grafana', who: 'me' }
    assert.equal(findSame(all, asked)?.id, 1)
    assert.equal(findSame(all, { ...asked, who: 'another' }), undefined)
    assert.equal(findSame(all, { ...asked, installation: 'initech' }), undefined)
    assert.equal(findSame([{ ...grafana, state: 'ended' }], asked), undefined)
    const throughInstance = {
      ...grafana,
      installation: undefined,
      word: 'i-1 db.internal:5432',
      target: 'db.internal:5432',
    }
    assert.equal(
      findSame([throughInstance], { ...asked, installation: undefined, word: 'db.internal:5432' }),
      undefined,
      'another instance may lead elsewhere',
    )
  })
})
