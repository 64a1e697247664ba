/** The message gateway between two ends played by hand: tokens, relay, and sessions that end. */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { DescribeSessionsCommand, ResumeSessionCommand, TerminateSessionCommand } from '@aws-sdk/client-ssm'
import { uuidText } from '#core/ssm/bytes.ts'
import { WORLD } from '#sandbox/world.ts'
import { open, openClient, RawAgent, type RawEnd, streamMessage } from '../support/gateway-ends.ts'
import { eventually, GatewayStage, outputs, sendOutputs } from '../support/gateway-stage.ts'

let stage: GatewayStage

before(async () => {
  stage = await GatewayStage.open()
})
afterEach(() => stage.reset())
after(() => stage[Symbol.asyncDispose]())

describe('message gateway', { timeout: 30_000 }, () => {
  it("tells the agent of a session in the vendor's form", async () => {
    const from = stage.control.received.length
    const { id, url } = await stage.startSession()
    const { type, payload } = (await stage.control.until(from + 1))[from] as RawEnd['received'][number]
    assert.equal(type, 'interactive_shell')
    const envelope = JSON.parse(Buffer.from(payload).toString())
    assert.deepEqual(Object.keys(envelope), ['Content', 'TaskId', 'Topic', 'SchemaVersion'])
    const task = JSON.parse(envelope.Content)
    assert.equal(task.SessionId, id)
    assert.equal(task.DocumentName, 'AWS-StartPortForwardingSession')
    assert.deepEqual(task.Parameters, { portNumber: '8080' })
    assert.equal(task.DocumentContent.sessionType, 'Port')
    assert.equal(task.DocumentContent.properties.portNumber, '{{ portNumber }}')
    assert.match(id, /^operator-[a-z0-9]{26}$/)
    assert.equal(
      url,
      `ws://127.0.0.1:${stage.fixture.cloud.port}/v1/data-channel/${id}?role=publish_subscribe`,
    )
  })

  it('relays bytes untouched and in order, both ways', async () => {
    const { client, agent } = await stage.connect()
    const frames = Array.from({ length: 200 }, (_, i) =>
      streamMessage('input_stream_data', i, `to agent ${i}`),
    )
    for (const frame of frames) client.send(frame)
    sendOutputs(agent, 0, 200)
    await Promise.all([agent.until(200), client.until(200)])
    assert.deepEqual(
      outputs(agent),
      Array.from({ length: 200 }, (_, i) => `to agent ${i}`),
    )
    assert.deepEqual(
      outputs(client),
      Array.from({ length: 200 }, (_, i) => String(i)),
    )
  })

  it('keeps the state of the session, which the agent tells the service, from the client', async () => {
    const { client, agent } = await stage.connect()
    agent.send(streamMessage('agent_session_state', 0, '{"SessionState":"Connected"}'))
    sendOutputs(agent, 1, 1)
    await client.until(1)
    assert.deepEqual(outputs(client), ['1'])
  })

  it('keeps what the agent says before its client has come', async () => {
    const { id, url, token } = await stage.startSession()
    const agent = await stage.agent.openDataChannel(id)
    stage.ends.push(agent)
    sendOutputs(agent, 0, 3)
    const client = await openClient(url, token)
    stage.ends.push(client)
    await client.until(3)
    assert.deepEqual(outputs(client), ['0', '1', '2'])
  })

  describe('tokens', () => {
    it('a token opens once', async () => {
      const { url, token } = await stage.startSession()
      const first = await openClient(url, token)
      stage.ends.push(first)
      const second = await openClient(url, token)
      assert.deepEqual(await second.closed, { code: 1008, reason: 'the token is not valid' })
      assert.equal(first.socket.readyState, first.socket.OPEN)
    })

    it('a token is good for a minute', async () => {
      const { url, token } = await stage.startSession()
      stage.clock.advance(60_000)
      assert.equal((await (await openClient(url, token)).closed).code, 1008)
    })

    it('the token of one session opens no other', async () => {
      const [one, other] = [await stage.startSession(), await stage.startSession()]
      assert.equal((await (await openClient(one.url, other.token)).closed).code, 1008)
    })

    it("a client's token does not open the agent's end", async () => {
      const { url, token } = await stage.startSession()
      const { status } = await new RawAgent(stage.fixture.url, stage.fixture.operator).requestToken(
        new URL(url).pathname,
      )
      assert.equal(status, 403)
      assert.ok(token.length > 0)
    })

    const FIRST_FRAMES = [
      { why: 'binary', frame: Buffer.from('{}') },
      { why: 'no JSON', frame: 'hello' },
      { why: 'no token', frame: '{"MessageSchemaVersion":"1.0","RequestId":"x","ClientId":"y"}' },
      {
        why: 'another schema',
        frame: '{"MessageSchemaVersion":"2.0","RequestId":"x","ClientId":"y","TokenValue":"z"}',
      },
    ]
    for (const { why, frame } of FIRST_FRAMES)
      it(`refuses a first frame that is ${why}`, async () => {
        const end = await open((await stage.startSession()).url, {})
        end.socket.send(frame)
        assert.deepEqual(await end.closed, { code: 1008, reason: 'not an open frame' })
      })

    it('lets a client in that signs its upgrade as the operator, or leaves its id out', async () => {
      const { id, url, token } = await stage.startSession()
      const client = await open(url, await stage.signedAsOperator(url))
      client.socket.send(JSON.stringify({ MessageSchemaVersion: '1.0', RequestId: 'x', TokenValue: token }))
      client.send(streamMessage('input_stream_data', 0, 'hello agent'))
      const agent = await stage.agent.openDataChannel(id)
      stage.ends.push(client, agent)
      await agent.until(1)
      assert.deepEqual(outputs(agent), ['hello agent'])
    })

    it('does not let the operator serve a session by a signature', async () => {
      const { url } = await stage.startSession()
      const end = await open(url, await stage.signedAsOperator(url))
      end.socket.send('{"MessageSchemaVersion":"1.0","RequestId":"x","TokenValue":"forged"}')
      assert.deepEqual(await end.closed, { code: 1008, reason: 'the token is not valid' })
    })

    it('does not wait for ever for a first frame', async () => {
      const end = await open((await stage.startSession()).url, {})
      stage.clock.advance(10_000)
      assert.deepEqual(await end.closed, { code: 1008, reason: 'no open frame' })
    })
  })

  describe('agents', () => {
    it('may open only the channels of their own instance', async () => {
      const { status, body } = await stage.agent.requestToken('/v1/control-channel/i-0123456789abcdef0')
      assert.equal(status, 403)
      assert.match(body, /<AccessDeniedException>/)
    })

    it('are refused without a signature, and with a wrong one', async () => {
      const path = `/v1/control-channel/${WORLD.bastion.instanceId}`
      const bare = await fetch(`${stage.fixture.url}${path}`, { method: 'POST', body: '{}' })
      assert.equal(bare.status, 403)
      const forged = new RawAgent(stage.fixture.url, { ...stage.fixture.agent, secretAccessKey: 'x' })
      assert.equal((await forged.requestToken(path)).status, 403)
      await assert.rejects(open(`${stage.fixture.url.replace('http', 'ws')}${path}`, {}), /refused with 403/)
    })

    it('get no channel of a session that has ended', async () => {
      const { id } = await stage.connect()
      await stage.ssm.send(new TerminateSessionCommand({ SessionId: id }))
      const { status, body } = await stage.agent.requestToken(`/v1/data-channel/${id}`)
      assert.equal(status, 400)
      assert.match(body, /Session is already terminated/)
    })

    it('may lose their WebSocket and come back', async () => {
      const { id, client, agent } = await stage.connect()
      agent.socket.terminate()
      await agent.closed
      const again = await stage.agent.openDataChannel(id)
      stage.ends.push(again)
      sendOutputs(again, 1, 1)
      await client.until(1)
      assert.deepEqual(outputs(client), ['1'])
    })

    it('end the session when they do not come back', async () => {
      const { client, agent } = await stage.connect()
      const timers = stage.clock.pending
      agent.socket.terminate()
      await eventually(() => stage.clock.pending > timers)
      stage.clock.advance(15_000)
      const { payload } = await client.message('channel_closed')
      assert.match(JSON.parse(Buffer.from(payload).toString()).Output, /agent is gone/)
    })

    it('say that they are done; what they sent before that arrives first', async () => {
      const { id, client, agent } = await stage.connect()
      sendOutputs(agent, 0, 50)
      const complete = streamMessage(
        'acknowledge',
        0,
        JSON.stringify({ SchemaVersion: 1, TaskId: id, Topic: 'agent_task_complete', Output: 'done here' }),
      )
      complete.set(Buffer.from('agent_task_complete'.padEnd(32)), 4)
      stage.control.send(complete)
      const acknowledged = await stage.control.message('agent_task_acknowledge')
      const { MessageId, TaskId } = JSON.parse(Buffer.from(acknowledged.payload).toString())
      assert.equal(TaskId, id)
      assert.equal(MessageId, uuidText(complete.subarray(64, 80)))
      agent.socket.close(1000)
      const closed = await client.message('channel_closed')
      assert.equal(client.received.length, 51)
      assert.equal(JSON.parse(Buffer.from(closed.payload).toString()).Output, 'done here')
    })
  })

  describe('loss and return of the client', () => {
    it('pauses the agent, and starts it again', async () => {
      const { id, client, agent } = await stage.connect()
      client.socket.terminate()
      assert.equal((await agent.until(1))[0]?.type, 'pause_publication')
      const again = await stage.resume(id)
      assert.equal((await agent.until(2))[1]?.type, 'start_publication')
      sendOutputs(agent, 7, 1)
      await again.until(1)
      assert.deepEqual(outputs(again), ['7'])
    })

    it('does neither when it is told not to', async () => {
      const { id, client, agent } = await stage.connect()
      stage.gateway.order({ kind: 'publication', tell: false })
      client.socket.terminate()
      await client.closed
      const again = await stage.resume(id)
      again.send(streamMessage('input_stream_data', 5, 'after'))
      await agent.until(1)
      assert.deepEqual(agent.texts, ['input_stream_data:after'])
    })

    it('an older connection gives way to a newer one', async () => {
      const { id, client, agent } = await stage.connect()
      const again = await stage.resume(id)
      assert.equal((await client.closed).code, 1006)
      sendOutputs(agent, 1, 1)
      await again.until(1)
      assert.deepEqual(outputs(again), ['1'])
    })
  })

  describe('the end of a session', () => {
    it('TerminateSession tells both ends and the control channel, and resuming gives no token', async () => {
      const { id, client, agent } = await stage.connect()
      await stage.ssm.send(new TerminateSessionCommand({ SessionId: id }))
      const [toClient, toAgent] = await Promise.all([
        client.message('channel_closed'),
        agent.message('channel_closed'),
      ])
      for (const { payload } of [toClient, toAgent])
        assert.equal(JSON.parse(Buffer.from(payload).toString()).SessionId, id)
      await stage.control.message('channel_closed')
      const resumed = await stage.ssm.send(new ResumeSessionCommand({ SessionId: id }))
      assert.equal(resumed.TokenValue, undefined)
      assert.equal(resumed.StreamUrl, undefined)
      stage.clock.advance(2_000)
      assert.equal((await client.closed).code, 1000)
      await stage.ssm.send(new TerminateSessionCommand({ SessionId: id }))
    })

    it('comes by itself after the idle time, which stream data and ResumeSession put off', async () => {
      stage.fixture.cloud.state.turn({ idle: 60_000 })
      const { id, client, agent } = await stage.connect()
      stage.clock.advance(50_000)
      client.send(streamMessage('input_stream_data', 1, 'busy'))
      await agent.until(1)
      stage.clock.advance(50_000)
      client.send(streamMessage('acknowledge', 0, 'not activity'))
      await agent.until(2)
      const again = await stage.resume(id)
      stage.clock.advance(59_000)
      assert.deepEqual(again.texts, [])
      stage.clock.advance(1_000)
      const { payload } = await again.message('channel_closed')
      assert.match(JSON.parse(Buffer.from(payload).toString()).Output, /timed out/)
      assert.equal((await stage.ssm.send(new ResumeSessionCommand({ SessionId: id }))).TokenValue, undefined)
    })

    it('comes after the maximum time, busy or not', async () => {
      stage.fixture.cloud.state.turn({ maximum: 90_000 })
      const { client, agent } = await stage.connect()
      for (let i = 1; i <= 2; i++) {
        stage.clock.advance(40_000)
        client.send(streamMessage('input_stream_data', i, 'busy'))
        await agent.until(i)
      }
      stage.clock.advance(10_000)
      const { payload } = await client.message('channel_closed')
      assert.match(JSON.parse(Buffer.from(payload).toString()).Output, /maximum/)
    })

    it('sessions are listed, the open ones apart from the past', async () => {
      const { id } = await stage.connect()
      const list = async (State: 'Active' | 'History') => {
        const { Sessions } = await stage.ssm.send(
          new DescribeSessionsCommand({ State, Filters: [{ key: 'SessionId', value: id }] }),
        )
        return Sessions ?? []
      }
      const [active] = await list('Active')
      assert.equal(active?.Status, 'Connected')
      assert.equal(active?.Target, WORLD.bastion.instanceId)
      assert.equal(active?.Owner, `arn:aws:iam::${WORLD.account}:user/operator`)
      assert.deepEqual(await list('History'), [])
      await stage.ssm.send(new TerminateSessionCommand({ SessionId: id }))
      assert.deepEqual(await list('Active'), [])
      const [past] = await list('History')
      assert.equal(past?.Status, 'Terminated')
      assert.ok(past?.EndDate instanceof Date)
    })
  })

  describe('an instance or an agent that is not there', () => {
    const KNOBS = [{ agent: 'offline' }, { bastion: 'stopped' }, { bastion: 'missing' }] as const
    for (const knob of KNOBS)
      it(`gives no session: ${JSON.stringify(knob)}`, async () => {
        stage.fixture.cloud.state.turn(knob)
        await assert.rejects(stage.startSession(), { name: 'TargetNotConnected' })
      })

    it('an instance that stops takes its agent away from open sessions', async () => {
      const { agent } = await stage.connect()
      stage.fixture.cloud.state.turn({ bastion: 'stopped' })
      assert.equal((await agent.closed).code, 1006)
    })
  })

  it('counts what it relays', async () => {
    const before = stage.gateway.statistics()
    const { agent, client } = await stage.connect()
    sendOutputs(agent, 0, 9)
    await client.until(9)
    const now = stage.gateway.statistics()
    assert.equal(now.sessionsStarted - before.sessionsStarted, 1)
    assert.equal(now.clientConnections - before.clientConnections, 1)
    assert.equal(now.toClient.frames - before.toClient.frames, 10)
    assert.equal(now.toAgent.frames - before.toAgent.frames, 1)
  })
})
