import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { HELD_HIGH } from '#core/ssm/machine.ts'
import { connectEcho } from '../support/echo-connection.ts'
import { fetchOver } from '../support/http-over.ts'
import { type SandboxSessions, startSandboxSessions } from '../support/sandbox-sessions.ts'
import { closed, readBytes } from '../support/streams.ts'

/** Ways that work, and carry nothing: whoever waits must learn why, and not for ever. */

const TIMEOUT = { timeout: 20_000 }

describe('a tunnel that carries nothing says why', { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  before(async () => {
    lab = await startSandboxSessions({ messageSize: 32 * 1024 })
  })
  afterEach(() => {
    lab.clock.hurry(1)
    lab.sandbox.cloud.gateway.order({ kind: 'clear' })
  })
  after(() => lab?.[Symbol.asyncDispose]())

  it('an agent that is deaf for a while: told, and told again when it is heard', TIMEOUT, async () => {
    await using session = await lab.dial()
    const stream = await connectEcho(session.dialer)
    lab.sandbox.cloud.gateway.order({ kind: 'stall', direction: 'both' })
    stream.write('x')
    lab.clock.hurry(50)
    const { message } = await session.event('degraded')
    assert.match(message, /^the agent has acknowledged nothing for \d+ s: connections wait$/)
    lab.clock.hurry(1)
    lab.sandbox.cloud.gateway.order({ kind: 'clear' })
    assert.match((await session.event('notice')).message, /^the agent is heard again after \d+ s$/)
    assert.equal(String(await readBytes(stream, 1)), 'x', 'and nothing was lost')
    assert.deepEqual(
      session.events.map(({ event }) => event),
      ['session', 'degraded', 'notice'],
    )
  })

  it('an agent that stays deaf: the session is given up, and everybody is told', TIMEOUT, async () => {
    await using session = await lab.dial()
    const stream = await connectEcho(session.dialer)
    lab.sandbox.cloud.gateway.order({ kind: 'stall', direction: 'both' })
    stream.write('x')
    lab.clock.hurry(100)
    const { error } = await session.event('ended')
    lab.clock.hurry(1)
    assert.ok(isPgctlError(error, 'session-lost'), String(error))
    assert.match(error.message, /acknowledged nothing for 5 minutes/)
    assert.equal(await closed(stream), error)
    await session[Symbol.asyncDispose]()
    assert.deepEqual(lab.activeSessions(), [], 'it is terminated')
    assert.deepEqual(
      session.events.map(({ event }) => event).filter((event) => event !== 'reconnecting'),
      ['session', 'degraded', 'ended'],
    )
  })

  it('a reader that takes nothing: told, and told again when all go on', TIMEOUT, async () => {
    await using session = await lab.dial()
    const stalled = await session.dialer.connect()
    stalled.write(`GET /random/${HELD_HIGH + 8_000_000} HTTP/1.1\r\nHost: payload\r\n\r\n`)
    const { message } = await session.event('degraded')
    assert.match(message, /^a connection has not taken 6\d MiB that have arrived for it: every other/)
    const other = await session.dialer.connect()
    const answer = fetchOver(other, '/random/1000')
    stalled.resume()
    assert.equal((await session.event('notice')).message, 'what had arrived is taken: all connections go on')
    assert.equal((await answer).bytes, 1_000)
    stalled.destroy()
  })
})
