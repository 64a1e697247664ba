import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordedSession } from '#core/ssm/session-history.ts'
import { joinSessions } from '#core/tunnel/join-sessions.ts'

const ME = 'arn:aws:iam::111122223333:user/me'
const record = (id: string, change: Partial<RecordedSession> = {}): RecordedSession => ({
  id,
  owner: ME,
  target: 'i-1',
  document: undefined,
  startedAt: 1,
  endedAt: undefined,
  status: 'connected',
  reason: undefined,
  ...change,
})
const entry = (sessionId: string, machine: string, isOwnerAlive: boolean) => ({
  entry: {
    sessionId,
    place: { installation: 'acme', account: '111122223333', region: 'eu-central-1' },
    owner: { machine, pid: 7, start: '' },
    startedAt: 1,
  },
  isOwnerAlive,
})

describe('sessions joined with the journal', () => {
  const entries = [entry('used', 'here', true), entry('left', 'here', false), entry('away', 'there', false)]
  for (const [given, use, pid, why] of [
    [record('used'), 'here', 7, 'a process of this computer uses it'],
    [record('left'), 'orphan', 7, 'its process is gone'],
    [record('away'), 'elsewhere', undefined, 'a process of another computer cannot be seen from here'],
    [record('unknown'), 'elsewhere', undefined, 'opened by another program of the same person'],
    [record('theirs', { owner: 'arn:aws:iam::1:user/you' }), 'other', undefined, "another person's"],
    [record('left', { endedAt: 2, status: 'terminated' }), 'ended', 7, 'what has ended is nobody’s to end'],
    [record('used', { status: 'failed' }), 'ended', 7, 'a failed one has no end of its own'],
  ] as const)
    it(`${given.id}, ${given.status}: ${use}, as ${why}`, () => {
      const [joined] = joinSessions([given], entries, { caller: ME, machine: 'here' })
      assert.equal(joined?.use, use)
      assert.equal(joined?.pid, pid)
    })
})
