import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { type ErrorCode, isPgctlError, PgctlError } from '#core/errors.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import type { SessionGrant } from '#core/ssm/session-api.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import type { KnobsChange } from '#sandbox/knobs.ts'
import { connectEcho } from '../support/echo-connection.ts'
import { eventually } from '../support/eventually.ts'
import { FarEnd } from '../support/far-end.ts'
import { fetchOver } from '../support/http-over.ts'
import { PAYLOAD, type SandboxSessions, startSandboxSessions } from '../support/sandbox-sessions.ts'
import { closed, readBytes } from '../support/streams.ts'

/** One session from StartSession to TerminateSession, against the sandbox's service, gateway and agent. */

const TIMEOUT = { timeout: 15_000 }

describe('session', { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  let callsBefore = 0
  before(async () => {
    lab = await startSandboxSessions()
  })
  afterEach(() => {
    lab.sandbox.cloud.gateway.order({ kind: 'clear' })
    lab.sandbox.cloud.state.turn({ deny: [], throttle: {}, credentials: 'valid' })
    assert.deepEqual(lab.activeSessions(), [])
    assert.deepEqual([...lab.journal], [])
    callsBefore = lab.sandbox.cloud.calls.last
  })
  after(() => lab?.[Symbol.asyncDispose]())

  const gateway = () => lab.sandbox.cloud.gateway
  /** What the operator has asked the service for since the last test, in order. */
  const sessionCalls = () =>
    lab.sandbox.cloud.calls
      .since(callsBefore)
      .filter(({ action }) => /^(Start|Resume|Terminate)Session$/.test(action))
      .map(({ action, outcome }) => (outcome === 'ok' ? action : `${action}: ${outcome}`))

  const hasCode = (code: ErrorCode) => (error: unknown) => {
    assert.ok(isPgctlError(error, code), String(error))
    return true
  }

  const withApi = (api: Partial<SessionContext['api']>): Partial<SessionContext> => ({
    api: { ...lab.context.api, ...api },
  })

  /** Does what the next start of somebody with the right to do it would. */
  async function endForGood(sessionId: string): Promise<void> {
    await lab.context.api.terminate(sessionId)
    await lab.context.journal.terminated(sessionId)
  }

  describe('its life', () => {
    it('is in the journal before its data channel opens, until it is terminated', TIMEOUT, async () => {
      const order: string[] = []
      const { clientConnections } = gateway().statistics()
      const journal: SessionContext['journal'] = {
        async started() {
          order.push(
            `noted before ${gateway().statistics().clientConnections - clientConnections} connections`,
          )
        },
        async terminated(sessionId) {
          order.push(`struck out after ${gateway().find(sessionId)?.status}`)
        },
      }
      const session = await lab.dial(PAYLOAD, { journal })
      await fetchOver(await session.dialer.connect(), '/random/10')
      session.assertUndisturbed()
      await session[Symbol.asyncDispose]()
      assert.deepEqual(order, ['noted before 0 connections', 'struck out after Terminated'])
      assert.deepEqual(sessionCalls(), ['StartSession', 'TerminateSession'])
    })

    it('ends once, however often it is ended', TIMEOUT, async () => {
      const session = await lab.dial()
      await Promise.all([session.dialer[Symbol.asyncDispose](), session.dialer[Symbol.asyncDispose]()])
      await session.dialer[Symbol.asyncDispose]()
      assert.deepEqual(sessionCalls(), ['StartSession', 'TerminateSession'])
    })

    it('that cannot be noted is not used', TIMEOUT, async () => {
      const failure = new PgctlError('state-invalid', 'the disk is full')
      const journal = { ...lab.context.journal, started: () => Promise.reject(failure) }
      await assert.rejects(lab.dial(PAYLOAD, { journal }), failure)
      assert.deepEqual(sessionCalls(), ['StartSession', 'TerminateSession'])
    })

    it('that cannot be started leaves nothing to undo', TIMEOUT, async () => {
      lab.sandbox.cloud.state.turn({ deny: ['ssm:StartSession'] })
      await assert.rejects(lab.dial(), hasCode('permission-denied'))
      assert.deepEqual(sessionCalls(), ['StartSession: AccessDeniedException'])
    })

    it('that cannot be terminated stays in the journal', TIMEOUT, async () => {
      const session = await lab.dial()
      lab.sandbox.cloud.state.turn({ deny: ['ssm:TerminateSession'] })
      await session[Symbol.asyncDispose]()
      assert.deepEqual([...lab.journal], [session.sessionId])
      lab.sandbox.cloud.state.turn({ deny: [] })
      await endForGood(session.sessionId)
    })

    it('does not wait for ever for a service that does not answer', TIMEOUT, async () => {
      const asked = Promise.withResolvers<void>()
      const terminate: SessionContext['api']['terminate'] = (_id, signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason))
          asked.resolve()
        })
      const session = await lab.dial(PAYLOAD, withApi({ terminate }))
      const ending = session[Symbol.asyncDispose]()
      await asked.promise
      lab.clock.skip(5_000)
      await ending
      assert.deepEqual([...lab.journal], [session.sessionId])
      await endForGood(session.sessionId)
    })
  })

  describe('an abort', () => {
    const reason = new PgctlError('interrupted', 'enough')

    it('before it starts, starts nothing', TIMEOUT, async () => {
      await assert.rejects(dialWith(AbortSignal.abort(reason)), reason)
      assert.deepEqual(sessionCalls(), [])
    })

    it('while it starts, undoes it', TIMEOUT, async () => {
      const abort = new AbortController()
      const start: SessionContext['api']['start'] = async (...request) => {
        const grant = await lab.context.api.start(...request)
        abort.abort(reason)
        return grant
      }
      await assert.rejects(dialWith(abort.signal, withApi({ start })), reason)
      assert.deepEqual(sessionCalls(), ['StartSession', 'TerminateSession'])
    })

    it('while its data channel opens, undoes it', TIMEOUT, async () => {
      const abort = new AbortController()
      const journal: SessionContext['journal'] = {
        ...lab.context.journal,
        async started(sessionId) {
          await lab.context.journal.started(sessionId)
          abort.abort(reason)
        },
      }
      await assert.rejects(dialWith(abort.signal, { journal }), reason)
      assert.deepEqual(sessionCalls(), ['StartSession', 'TerminateSession'])
    })

    it('after it is open, changes nothing', TIMEOUT, async () => {
      const abort = new AbortController()
      await using dialer = await SessionDialer.open(lab.context, lab.requestTo(PAYLOAD), abort.signal)
      abort.abort(reason)
      const stream = await connectEcho(dialer)
      stream.write('on')
      assert.equal((await readBytes(stream, 2)).toString(), 'on')
    })

    async function dialWith(signal: AbortSignal, more: Partial<SessionContext> = {}) {
      return SessionDialer.open({ ...lab.context, ...more }, lab.requestTo(PAYLOAD), signal)
    }
  })

  describe('the stream URL', () => {
    /** The grant, but for another place that waits for its token. */
    const misled = (grant: SessionGrant, far: FarEnd): SessionGrant => ({
      ...grant,
      streamUrl: grant.streamUrl.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${far.port}`),
    })

    it('that leads elsewhere gets no token, at the start', TIMEOUT, async () => {
      await using far = await FarEnd.start()
      const start: SessionContext['api']['start'] = async (...request) =>
        misled(await lab.context.api.start(...request), far)
      await assert.rejects(lab.dial(PAYLOAD, withApi({ start })), hasCode('stream-url-refused'))
      assert.equal(far.sockets.size, 0)
      assert.deepEqual(sessionCalls(), ['StartSession', 'TerminateSession'])
    })

    it('that leads elsewhere gets no token, after a loss', TIMEOUT, async () => {
      await using far = await FarEnd.start()
      const resume: SessionContext['api']['resume'] = async (...request) => {
        const grant = await lab.context.api.resume(...request)
        return grant && misled(grant, far)
      }
      await using session = await lab.dial(PAYLOAD, withApi({ resume }))
      await connectEcho(session.dialer)
      gateway().order({ kind: 'cut' })
      hasCode('stream-url-refused')((await session.event('ended')).error)
      assert.equal(far.sockets.size, 0)
    })
  })

  describe('a loss', () => {
    it('in the middle of the handshake is mended', TIMEOUT, async () => {
      await using session = await lab.dial()
      const connecting = connectEcho(session.dialer)
      await eventually(() => gateway().find(session.sessionId)?.status === 'Connected')
      gateway().order({ kind: 'cut', end: 'both' })
      await connecting
      await session.event('resumed')
    })

    it('after a loss after a loss is mended, each with a token of its own', TIMEOUT, async () => {
      await using session = await lab.dial()
      const stream = await connectEcho(session.dialer)
      const losses = 8
      for (let loss = 1; loss <= losses; loss++) {
        gateway().order({ kind: 'cut' })
        await eventually(() => session.events.filter(({ event }) => event === 'resumed').length === loss)
        stream.write(`${loss}`)
        assert.equal((await readBytes(stream, 1)).toString(), `${loss}`)
      }
      assert.equal(sessionCalls().filter((call) => call === 'ResumeSession').length, losses)
    })

    it('while it is being mended is mended as well', TIMEOUT, async () => {
      await using session = await lab.dial()
      const stream = await connectEcho(session.dialer)
      for (let loss = 0; loss < 20; loss++) {
        gateway().order({ kind: 'cut' })
        await new Promise((resolve) => setImmediate(resolve))
      }
      stream.write('!')
      assert.equal((await readBytes(stream, 1)).toString(), '!')
    })

    it('survives a service that throttles', TIMEOUT, async () => {
      await using session = await lab.dial()
      const stream = await connectEcho(session.dialer)
      lab.sandbox.cloud.state.turn({ throttle: { 'ssm:ResumeSession': 2 } })
      gateway().order({ kind: 'cut' })
      stream.write('!')
      assert.equal((await readBytes(stream, 1)).toString(), '!')
    })

    const refusals: readonly [string, KnobsChange, ErrorCode][] = [
      ['credentials that have expired', { credentials: 'expired' }, 'credentials-expired'],
      ['a permission that was taken away', { deny: ['ssm:ResumeSession'] }, 'permission-denied'],
    ]
    for (const [what, knobs, code] of refusals)
      it(`is final with ${what}`, TIMEOUT, async () => {
        await using session = await lab.dial()
        const stream = await connectEcho(session.dialer)
        lab.sandbox.cloud.state.turn(knobs)
        gateway().order({ kind: 'cut' })
        const { error } = await session.event('ended')
        hasCode(code)(error)
        assert.equal(await closed(stream), error)
        // With such credentials nobody can end it: the journal keeps it for those who can.
        lab.sandbox.cloud.state.turn({ deny: [], credentials: 'valid' })
        await session[Symbol.asyncDispose]()
        await endForGood(session.sessionId)
      })
  })
})
