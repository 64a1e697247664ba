import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { type ErrorCode, isPgctlError, type PgctlError } from '#core/errors.ts'
import { connectEcho } from '../support/echo-connection.ts'
import { eventually } from '../support/eventually.ts'
import { HurriedClock } from '../support/hurried-clock.ts'
import { PAYLOAD, type SandboxSessions, startSandboxSessions } from '../support/sandbox-sessions.ts'
import { closed, readBytes } from '../support/streams.ts'

/** The session policy is the customer's: what it ends stays ended, and nothing of ours makes it last longer. */

const TIMEOUT = { timeout: 15_000 }
const MINUTE = 60_000

describe("the customer's session policy", { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  let resumedBefore = 0
  before(async () => {
    lab = await startSandboxSessions()
  })
  afterEach(() => {
    lab.sandbox.cloud.gateway.order({ kind: 'clear' })
    lab.sandbox.cloud.state.turn({ idle: 20 * MINUTE, maximum: null })
    resumedBefore = lab.callsOf('ResumeSession')
  })
  after(() => lab?.[Symbol.asyncDispose]())

  const resumptions = () => lab.callsOf('ResumeSession') - resumedBefore

  /** Opens a connection, lets `end` do something, and expects the session to be over with it. */
  async function assertFinal(options: {
    readonly limits?: SandboxSessions['context']['limits']
    readonly end: (sessionId: string) => Promise<unknown> | unknown
    readonly why: RegExp
    readonly code?: ErrorCode
  }): Promise<PgctlError> {
    const { limits = lab.context.limits, end, why, code = 'session-ended' } = options
    await using session = await lab.dial(PAYLOAD, { limits })
    const stream = await connectEcho(session.dialer)
    await end(session.sessionId)
    const { error } = await session.event('ended')
    assert.ok(isPgctlError(error, code), String(error))
    assert.match(error.why ?? '', why)
    assert.equal(await closed(stream), error, 'the open connection is told why')
    await assert.rejects(session.dialer.connect(), (again) => again === error)
    await session[Symbol.asyncDispose]()
    assert.deepEqual(lab.activeSessions(), [])
    assert.deepEqual([...lab.journal], [])
    return error
  }

  it('TerminateSession from elsewhere is final', TIMEOUT, async () => {
    await assertFinal({ end: (id) => lab.context.api.terminate(id), why: /was terminated/ })
    assert.equal(resumptions(), 0)
  })

  it('the maximum time is final', TIMEOUT, async () => {
    lab.sandbox.cloud.state.turn({ maximum: 400 })
    await assertFinal({ end: () => {}, why: /maximum duration/ })
    assert.equal(resumptions(), 0)
  })

  it('the idle time is final', TIMEOUT, async () => {
    lab.sandbox.cloud.state.turn({ idle: 300 })
    await assertFinal({ end: () => {}, why: /idle time/ })
    assert.equal(resumptions(), 0)
  })

  it('a session that was ended while the way was cut is asked for once, and not again', TIMEOUT, async () => {
    await assertFinal({
      end(id) {
        lab.sandbox.cloud.gateway.order({ kind: 'cut' })
        return lab.sandbox.cloud.gateway.find(id)?.end('The session was terminated.')
      },
      why: /does not resume it/,
    })
    assert.equal(resumptions(), 1)
  })

  it('an idle tunnel that loses its way past the idle limit is not resumed', TIMEOUT, async () => {
    await assertFinal({
      end() {
        lab.clock.skip(21 * MINUTE)
        lab.sandbox.cloud.gateway.order({ kind: 'cut' })
      },
      why: /nothing passed for 21 minutes, and sessions may be idle for 20 minutes/,
    })
    assert.equal(resumptions(), 0)
  })

  it('limits that may not be read count as 20 minutes', TIMEOUT, async () => {
    lab.sandbox.cloud.state.turn({ deny: ['ssm:GetDocument'] })
    const limits = await lab.context.api.limits()
    lab.sandbox.cloud.state.turn({ deny: [] })
    assert.equal(limits, undefined)
    const end = () => {
      lab.clock.skip(20 * MINUTE)
      lab.sandbox.cloud.gateway.order({ kind: 'cut' })
    }
    await using session = await lab.dial(PAYLOAD, { limits })
    await connectEcho(session.dialer)
    end()
    assert.ok(isPgctlError((await session.event('ended')).error, 'session-ended'))
    assert.equal(resumptions(), 0)
  })

  it('a way that is lost past the maximum time is not resumed', TIMEOUT, async () => {
    await assertFinal({
      limits: { idle: 60 * MINUTE, maximum: 30 * MINUTE },
      end() {
        lab.clock.skip(31 * MINUTE)
        lab.sandbox.cloud.gateway.order({ kind: 'cut' })
      },
      why: /sessions may last 30 minutes/,
    })
    assert.equal(resumptions(), 0)
  })

  for (const side of ['sent', 'received'] as const)
    it(`a tunnel that was used within the limit is resumed: a byte ${side} counts`, TIMEOUT, async () => {
      await using session = await lab.dial()
      const stream = await connectEcho(session.dialer)
      lab.clock.skip(15 * MINUTE)
      const { gateway } = lab.sandbox.cloud
      const { frames } = gateway.statistics().toAgent
      // What comes back is held, so that the byte that was sent is the only one.
      if (side === 'sent') gateway.order({ kind: 'stall', direction: 'to-client' })
      stream.write('x')
      if (side === 'received') await readBytes(stream, 1)
      else await eventually(() => gateway.statistics().toAgent.frames > frames)
      lab.clock.skip(15 * MINUTE)
      gateway.order({ kind: 'cut' })
      await session.event('resumed')
      assert.equal(resumptions(), 1)
    })

  it('an instance that is stopped takes its sessions with it', TIMEOUT, async () => {
    const clock = new HurriedClock()
    await using other = await startSandboxSessions({ clock })
    await using session = await other.dial()
    const stream = await connectEcho(session.dialer)
    other.sandbox.cloud.state.turn({ bastion: 'stopped' })
    // The agent tries to come back for a few seconds, and the service waits for it.
    clock.hurry(50)
    const { error } = await session.event('ended')
    assert.ok(isPgctlError(error, 'session-ended'), String(error))
    assert.equal(await closed(stream), error)
  })
})
