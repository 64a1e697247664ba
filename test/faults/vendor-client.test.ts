import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, afterEach, before, describe, it } from 'node:test'
import { exitStatusOf } from '#cli/exit-codes.ts'
import { isPgctlError, type PgctlError } from '#core/errors.ts'
import { PortStream } from '#core/ssm/io/port-stream.ts'
import { Session } from '#core/ssm/io/session.ts'
import type { PortInput, PortOutput } from '#core/ssm/machine.ts'
import { PortSession } from '#core/ssm/port-session.ts'
import { WORLD } from '#sandbox/world.ts'
import { connectEcho } from '../support/echo-connection.ts'
import { eventually } from '../support/eventually.ts'
import { fetchOver, respond } from '../support/http-over.ts'
import {
  type DialedSession,
  type SandboxSessions,
  startSandboxSessions,
} from '../support/sandbox-sessions.ts'
import { sha256Of } from '../support/sha256.ts'
import { closed, readBytes } from '../support/streams.ts'

/**
 * The faults that the vendor's client has, as measured against the vendor's agent: each is a test that ours passes.
 */

const TIMEOUT = { timeout: 20_000 }
const MB = 1_000_000

describe("faults of the vendor's client that ours does not have", { timeout: 60_000 }, () => {
  let lab: SandboxSessions
  before(async () => {
    lab = await startSandboxSessions()
  })
  afterEach(() => lab.sandbox.cloud.gateway.order({ kind: 'clear' }))
  after(() => lab?.[Symbol.asyncDispose]())

  /** What every way out of a session leaves: nothing. */
  const assertNothingLeft = () => {
    assert.deepEqual(lab.activeSessions(), [])
    assert.deepEqual([...lab.journal], [])
  }
  const gateway = () => lab.sandbox.cloud.gateway

  for (const tell of [true, false]) {
    const mode = tell ? 'and the agent is told' : 'and the agent is told nothing'

    it(`a WebSocket that is lost during an upload, ${mode}, loses nothing`, TIMEOUT, async () => {
      gateway().order({ kind: 'publication', tell })
      {
        await using session = await lab.dial()
        const body = Buffer.alloc(4 * MB, 'an upload that is cut in the middle; ')
        const pieces = cutIntoPieces(body, (sent) => {
          if (sent === 1.5 * MB) gateway().order({ kind: 'cut' })
        })
        const answer = await fetchOver(await session.dialer.connect(), '/sink', { body: pieces })
        assert.deepEqual(JSON.parse(answer.text), { bytes: body.length, sha256: sha256Of(body) })
        assert.equal(timesResumed(session), 1)
      }
      assertNothingLeft()
    })

    it(`a WebSocket that is lost during a download, ${mode}, loses nothing`, TIMEOUT, async () => {
      gateway().order({ kind: 'publication', tell })
      {
        await using session = await lab.dial()
        const cut = once(() => gateway().order({ kind: 'cut' }))
        const answer = await fetchOver(await session.dialer.connect(), `/random/${4 * MB}`, {
          onBytes: (received) => received > MB && cut(),
        })
        assert.equal(answer.bytes, 4 * MB)
        assert.equal(answer.sha256, answer.promised)
        assert.equal(timesResumed(session), 1)
      }
      assertNothingLeft()
    })
  }

  it('a close frame with code 1000 is an ordinary loss', TIMEOUT, async () => {
    {
      await using session = await lab.dial()
      const close = once(() => gateway().find(session.sessionId)?.closeClient(1000))
      const answer = await fetchOver(await session.dialer.connect(), `/slow/${MB}/${4 * MB}`, {
        onBytes: close,
      })
      assert.equal(answer.sha256, answer.promised)
      assert.equal(timesResumed(session), 1)
      const { error } = await session.event('reconnecting')
      assert.match(error.why ?? '', /code 1000/)
    }
    assertNothingLeft()
  })

  it('a gateway that takes nobody back ends the session with an error', TIMEOUT, async () => {
    {
      await using session = await lab.dial()
      const stream = await connectEcho(session.dialer)
      gateway().order({ kind: 'refuse' })
      gateway().order({ kind: 'cut' })
      hurryToTheEnd(lab, session)
      const { error } = await session.event('ended')
      assertIsLost(error, /503/)
      assert.equal(await closed(stream), error, 'an open connection gets the same error')
      await assert.rejects(session.dialer.connect(), (again) => again === error)
      assert.ok(lab.callsOf('ResumeSession') > 3, 'it has tried more than once')
    }
    assertNothingLeft()
  })

  it('a cloud that is gone altogether ends the session, and the journal keeps it', TIMEOUT, async () => {
    const other = await startSandboxSessions()
    await using session = await other.dial()
    await other.sandbox.cloud[Symbol.asyncDispose]()
    hurryToTheEnd(other, session)
    const { error } = await session.event('ended')
    assertIsLost(error, /ECONNREFUSED/)
    await session[Symbol.asyncDispose]()
    assert.deepEqual([...other.journal], [session.sessionId])
    await other[Symbol.asyncDispose]()
  })

  it('ResumeSession without a token means that the session has ended', TIMEOUT, async () => {
    {
      await using session = await lab.dial()
      const stream = await connectEcho(session.dialer)
      // Both at once: the client is not there to be told in a message.
      gateway().order({ kind: 'cut' })
      gateway().find(session.sessionId)?.end('The session was terminated.')
      const { error } = await session.event('ended')
      assert.ok(isPgctlError(error, 'session-ended'), String(error))
      assert.equal(exitStatusOf(error.code), 7)
      assert.equal(await closed(stream), error)
    }
    assertNothingLeft()
  })

  it('an acknowledgement that is lost is given again', TIMEOUT, async () => {
    {
      await using port = await openPort(lab)
      gateway().order({ kind: 'drop', direction: 'to-agent', only: 'acknowledge', count: 2 })
      const answer = await fetchOver(port.connect(), `/random/${MB}`)
      assert.equal(answer.sha256, answer.promised)
      await eventually(() => port.session.stats().duplicatesIn >= 2)
      const { framesIn, acknowledgementsIn, acknowledgementsOut } = port.session.stats()
      // All but its acknowledgements are numbered.
      assert.equal(acknowledgementsOut, framesIn - acknowledgementsIn, 'a message was not acknowledged')
    }
    assertNothingLeft()
  })

  it('a payload that is one LF stays one', TIMEOUT, async () => {
    await using session = await lab.dial()
    const stream = await connectEcho(session.dialer)
    for (const text of ['\n', '\r', '\n\n', 'end\n']) {
      stream.write(text)
      assert.deepEqual(await readBytes(stream, text.length), Buffer.from(text))
    }
    session.assertUndisturbed()
    stream.destroy()
  })

  it('a half-close does not cut the answer', TIMEOUT, async () => {
    await using session = await lab.dial()
    const stream = await session.dialer.connect()
    stream.end(`GET /random/${2 * MB} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`)
    let received = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) received += chunk.length
    assert.ok(received > 2 * MB, `${received} bytes arrived`)
    session.assertUndisturbed()
  })

  it('one stalled reader does not stall seven others, and loses nothing itself', TIMEOUT, async () => {
    await using session = await lab.dial()
    // More than the 4 MiB of the vendor's smux and the sockets on the way, all of it behind one reader.
    const stalled = await respond(await session.dialer.connect(), `/random/${12 * MB}`)
    const others = await Promise.all(
      Array.from({ length: 7 }, async (_, index) =>
        fetchOver(await session.dialer.connect(), `/random/${MB}?seed=${index}`),
      ),
    )
    for (const { bytes, sha256, promised } of others) {
      assert.equal(bytes, MB)
      assert.equal(sha256, promised)
    }
    assert.equal(stalled.complete, false)
    const chunks: Buffer[] = []
    for await (const chunk of stalled as AsyncIterable<Buffer>) chunks.push(chunk)
    assert.equal(sha256Of(Buffer.concat(chunks)), stalled.headers['x-sha256'])
    session.assertUndisturbed()
  })
})

/** Makes the client's time fly until its session has ended: TerminateSession gets the time that it needs. */
function hurryToTheEnd({ clock }: SandboxSessions, { dialer }: DialedSession): void {
  clock.hurry(200)
  dialer.events.subscribe(({ event }) => {
    if (event === 'ended') clock.hurry(1)
  })
}

function assertIsLost(error: PgctlError, why: RegExp): void {
  assert.ok(isPgctlError(error, 'session-lost'), String(error))
  assert.match(error.why ?? '', why)
  assert.equal(exitStatusOf(error.code), 7)
}

function timesResumed({ events }: DialedSession): number {
  return events.filter(({ event }) => event === 'resumed').length
}

/** A port session whose figures can be looked at, and one connection of it. */
async function openPort({ context }: SandboxSessions) {
  const wiring: { stream?: PortStream } = {}
  const session = await Session.start<PortInput, PortOutput>(context, {
    request: {
      target: WORLD.bastion.instanceId,
      document: 'AWS-StartPortForwardingSessionToRemoteHost',
      parameters: { host: [WORLD.payloadHost], portNumber: [String(WORLD.payloadPort)] },
    },
    createMachine: (options) => new PortSession(options),
    onOutput(output) {
      if (output.type === 'data') wiring.stream?.arrive(output.bytes)
      else if (output.type === 'full' || output.type === 'writable')
        wiring.stream?.setFull(output.type === 'full')
      else if (output.type === 'connection-ended') wiring.stream?.farEnd(output.end)
    },
  })
  return {
    session,
    connect: () => (wiring.stream = new PortStream(1, (input) => session.feed(input))),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

/** The bytes in pieces of 100 kB, telling before each how much has gone. */
function cutIntoPieces(bytes: Buffer, onPiece: (sent: number) => void): Readable {
  const pieces = function* () {
    for (let sent = 0; sent < bytes.length; sent += 100_000) {
      onPiece(sent)
      yield bytes.subarray(sent, sent + 100_000)
    }
  }
  return Readable.from(pieces(), { objectMode: false, highWaterMark: 1 })
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (!done) action()
    done = true
  }
}
