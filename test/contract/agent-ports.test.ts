/** Port sessions of the sandbox's agent on sockets, between the sandbox's gateway and our own client. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import { systemRandom } from '#core/io/system-clock.ts'
import {
  PAYLOAD_HANDSHAKE_COMPLETE,
  PAYLOAD_HANDSHAKE_REQUEST,
  PAYLOAD_HANDSHAKE_RESPONSE,
  PAYLOAD_OUTPUT,
} from '#core/ssm/constants.ts'
import { encodeMessage, MessageIds } from '#core/ssm/message.ts'
import { encodeHandshakeResponse } from '#core/ssm/payloads.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { WORLD } from '#sandbox/world.ts'
import { type AgentScene, eventually, startAgentScene } from '../support/agent-scene.ts'
import { openClient } from '../support/gateway-ends.ts'

const target = WORLD.bastion.instanceId

let scene: AgentScene

const openPort = (host: string, port: number) =>
  SessionDialer.open(scene.sessions.context, {
    target,
    document: 'AWS-StartPortForwardingSessionToRemoteHost',
    parameters: { host: [host], portNumber: [String(port)], localPortNumber: ['0'] },
  })

/** One HTTP request on a connection of its own through the dialer. */
async function fetchOver(
  dialer: SessionDialer,
  path: string,
  body?: Uint8Array,
): Promise<{ response: IncomingMessage; body: Buffer }> {
  const stream = await dialer.connect()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpRequest(
      {
        method: body === undefined ? 'GET' : 'PUT',
        path,
        headers: { host: '127.0.0.1', connection: 'close', ...(body && { 'content-length': body.length }) },
        createConnection: () => stream,
      },
      resolve,
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
  return { response, body: await buffer(response) }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const ids = new MessageIds(systemRandom)

/** A stream message of a client by hand. */
function inputMessage(sequence: number, payloadType: number, payload: Uint8Array): Uint8Array {
  const messageId = ids.next()
  const type = 'input_stream_data'
  return encodeMessage({ type, createdDate: Date.now(), sequence, flags: 0, messageId, payloadType, payload })
}

describe('sandbox agent: ports', { timeout: 60_000 }, () => {
  before(async () => {
    scene = await startAgentScene()
  })
  afterEach(() => scene.settle())
  after(() => scene[Symbol.asyncDispose]())

  describe('port sessions', () => {
    it('carry eight connections at once, both ways, to the byte', async () => {
      await using dialer = await openPort(WORLD.payloadHost, WORLD.payloadPort)
      const upload = Buffer.alloc(150_000, 'pgctl')
      await Promise.all(
        Array.from({ length: 4 }, async (_, i) => {
          const { response, body } = await fetchOver(dialer, `/random/${100_000 + i}`)
          assert.equal(body.length, 100_000 + i)
          assert.equal(response.headers['x-sha256'], sha256(body))
          const sink = await fetchOver(dialer, '/sink', upload)
          assert.match(sink.body.toString(), new RegExp(sha256(upload)))
        }),
      )
    })

    it('reach a pod by its address', async () => {
      await using dialer = await openPort('10.0.32.40', 8080)
      assert.equal((await fetchOver(dialer, '/random/10')).body.length, 10)
    })

    for (const end of ['client', 'agent'] as const) {
      it(`lose nothing when the ${end}'s WebSocket is cut in the middle`, async () => {
        await using dialer = await openPort(WORLD.payloadHost, WORLD.payloadPort)
        const stream = await dialer.connect()
        stream.write('GET /random/3000000 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n')
        let length = 0
        const parts: Buffer[] = []
        for await (const part of stream as AsyncIterable<Buffer>) {
          if (length === 0) scene.cloud.cloud.gateway.order({ kind: 'cut', end })
          parts.push(part)
          length += part.length
        }
        const [head = '', ...rest] = Buffer.concat(parts).toString('latin1').split('\r\n\r\n')
        const body = Buffer.from(rest.join('\r\n\r\n'), 'latin1')
        assert.equal(body.length, 3_000_000)
        assert.match(head, new RegExp(`x-sha256: ${sha256(body)}`, 'i'))
      })
    }

    for (const [host, port, reason] of [
      [WORLD.payloadHost, 8081, 'a closed port'],
      ['nobody.internal.acme.example', 80, 'an unknown name'],
      ['hermes.paragon.svc.cluster.local', 1702, 'a name of the cluster'],
      ['localhost', 22, 'the bastion itself'],
    ] as const) {
      it(`refuse ${reason}, and live on`, async () => {
        await using dialer = await openPort(host, port)
        for (let i = 0; i < 2; i++) {
          const stream = await dialer.connect()
          stream.resume()
          const error = await new Promise((resolve) => stream.once('error', resolve))
          assert.ok(isPgctlError(error, 'far-end-refused'), String(error))
        }
      })
    }

    for (const host of ['169.254.169.254', '0xa9fea9fe', '::ffff:169.254.169.254', 'fd00:ec2::254']) {
      it(`end at once for the metadata service as ${host}, and say why`, async () => {
        await using dialer = await openPort(host, 80)
        const ended = Promise.withResolvers<unknown>()
        dialer.events.subscribe((event) => event.event === 'ended' && ended.resolve(event.error))
        const error = await ended.promise
        assert.ok(isPgctlError(error, 'far-end-refused'))
        assert.equal(error.why, `Forwarding to IP address ${host} is forbidden.`)
      })
    }
  })

  describe('raw streams', () => {
    it('end with their connection, and say why where there was none', async () => {
      await using dialer = await SessionDialer.open(scene.sessions.context, {
        target,
        document: 'AWS-StartSSHSession',
        parameters: { portNumber: ['22'] },
      })
      const ended = Promise.withResolvers<unknown>()
      dialer.events.subscribe((event) => event.event === 'ended' && ended.resolve(event.error))
      const error = await ended.promise
      assert.ok(isPgctlError(error, 'session-ended'))
      assert.match(error.why ?? '', /Unable to connect to specified port: .*localhost:22: .*refused/)
    })

    it('are what a client gets that is too old to multiplex, one connection after the other', async () => {
      const { api } = scene.sessions.context
      const grant = await api.start({
        target,
        document: 'AWS-StartPortForwardingSessionToRemoteHost',
        parameters: { host: [WORLD.payloadHost], portNumber: ['8080'], localPortNumber: ['0'] },
      })
      const end = await openClient(grant.streamUrl, grant.token)
      let sequence = 0
      const send = (payloadType: number, payload: Uint8Array) =>
        end.send(inputMessage(sequence++, payloadType, payload))
      await eventually(() =>
        end.received.some(({ payloadType }) => payloadType === PAYLOAD_HANDSHAKE_REQUEST),
      )
      const actions = [{ name: 'SessionType', status: 1, error: '' }]
      send(PAYLOAD_HANDSHAKE_RESPONSE, encodeHandshakeResponse({ clientVersion: '1.1.69', actions }))
      await eventually(() =>
        end.received.some(({ payloadType }) => payloadType === PAYLOAD_HANDSHAKE_COMPLETE),
      )
      const heard = () =>
        end.received
          .filter(({ payloadType }) => payloadType === PAYLOAD_OUTPUT)
          .filter((one, i, all) => all.findIndex(({ sequence: first }) => first === one.sequence) === i)
          .map(({ payload }) => Buffer.from(payload).toString('latin1'))
          .join('')
      for (const count of [1, 2]) {
        const request = inputMessage(
          sequence++,
          PAYLOAD_OUTPUT,
          Buffer.from('GET /text/20 HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n'),
        )
        end.send(request)
        // What comes before the connection is there is not acknowledged, and wants to come again.
        const again = setInterval(() => end.send(request), 50)
        await eventually(() => heard().split('HTTP/1.1 200').length === count + 1)
        clearInterval(again)
      }
      end.socket.terminate()
      await api.terminate(grant.sessionId)
    })
  })
})
