/** What the gateway does wrong on demand, and how late it is, in virtual time. */

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { openClient, streamMessage } from '../support/gateway-ends.ts'
import { eventually, GatewayStage, outputs, sendOutputs } from '../support/gateway-stage.ts'

let stage: GatewayStage

before(async () => {
  stage = await GatewayStage.open()
})
afterEach(() => stage.reset())
after(() => stage[Symbol.asyncDispose]())

describe('faults of the gateway', { timeout: 30_000 }, () => {
  it('drop: as many as counted, of one direction', async () => {
    const { client, agent } = await stage.connect()
    stage.gateway.order({ kind: 'drop', direction: 'to-client', count: 2 })
    sendOutputs(agent, 0, 4)
    client.send(streamMessage('input_stream_data', 0, 'passes'))
    await Promise.all([client.until(2), agent.until(1)])
    assert.deepEqual(outputs(client), ['2', '3'])
  })

  it('drop: only acknowledgements, or only what is larger', async () => {
    const { client, agent } = await stage.connect()
    const { gateway } = stage
    gateway.order({ kind: 'drop', only: 'acknowledge' })
    gateway.order({ kind: 'drop', over: 1000 })
    client.send(streamMessage('acknowledge', 0, 'lost'))
    client.send(streamMessage('input_stream_data', 0, 'x'.repeat(1000)))
    client.send(streamMessage('input_stream_data', 1, 'arrives'))
    await agent.until(1)
    assert.deepEqual(outputs(agent), ['arrives'])
  })

  it('duplicate and reorder', async () => {
    const { client, agent } = await stage.connect()
    const { gateway } = stage
    gateway.order({ kind: 'duplicate', direction: 'to-client', count: 1 })
    sendOutputs(agent, 0, 2)
    await client.until(3)
    assert.deepEqual(outputs(client), ['0', '0', '1'])
    gateway.order({ kind: 'reorder', direction: 'to-client', count: 1 })
    sendOutputs(agent, 2, 3)
    await client.until(6)
    assert.deepEqual(outputs(client).slice(3), ['3', '2', '4'])
  })

  it('reorder: a message that no other follows goes on alone', async () => {
    const { client, agent } = await stage.connect()
    stage.gateway.order({ kind: 'reorder', direction: 'to-client', count: 1 })
    const timers = stage.clock.pending
    sendOutputs(agent, 0, 1)
    await eventually(() => stage.clock.pending > timers)
    stage.clock.advance(50)
    await client.until(1)
    assert.deepEqual(outputs(client), ['0'])
  })

  it('delay: later, and in order', async () => {
    const { client, agent } = await stage.connect()
    stage.gateway.order({ kind: 'delay', direction: 'to-client', ms: 100 })
    const timers = stage.clock.pending
    sendOutputs(agent, 0, 3)
    await eventually(() => stage.clock.pending > timers)
    client.send(streamMessage('input_stream_data', 0, 'not delayed'))
    await agent.until(1)
    assert.deepEqual(client.received, [])
    stage.clock.advance(100)
    await client.until(3)
    assert.deepEqual(outputs(client), ['0', '1', '2'])
  })

  it('stall: nothing arrives, nothing is lost', async () => {
    const { client, agent } = await stage.connect()
    stage.gateway.order({ kind: 'stall', direction: 'to-client' })
    sendOutputs(agent, 0, 3)
    client.send(streamMessage('input_stream_data', 0, 'the other way'))
    await agent.until(1)
    stage.clock.advance(3_600_000 / 10)
    assert.deepEqual(client.received, [])
    stage.gateway.order({ kind: 'clear' })
    stage.clock.advance(1)
    await client.until(3)
    assert.deepEqual(outputs(client), ['0', '1', '2'])
  })

  it('cut: the TCP connection is gone, and the session can be resumed', async () => {
    const { id, client, agent } = await stage.connect()
    stage.gateway.order({ kind: 'cut', end: 'client' })
    assert.equal((await client.closed).code, 1006)
    assert.equal(agent.socket.readyState, agent.socket.OPEN)
    const again = await stage.resume(id)
    sendOutputs(agent, 1, 1)
    await again.until(1)
  })

  it('refuse: no new connections for a while', async () => {
    const { url, token } = await stage.startSession()
    stage.gateway.order({ kind: 'refuse', ms: 5_000 })
    await assert.rejects(openClient(url, token), /refused with 503/)
    stage.clock.advance(5_000)
    stage.ends.push(await openClient(url, token))
  })

  it('close-every: a close frame of code 1000, again and again', async () => {
    const { id, client } = await stage.connect()
    stage.gateway.order({ kind: 'close-every', ms: 1_000 })
    stage.clock.advance(1_000)
    assert.equal((await client.closed).code, 1000)
    const again = await stage.resume(id)
    stage.clock.advance(1_000)
    assert.equal((await again.closed).code, 1000)
  })
})

describe('latency', { timeout: 30_000 }, () => {
  it('half of it lies on each way, of frames and of calls', async () => {
    await using stage = await GatewayStage.open({ latency: 40 })
    const { clock } = stage
    /** Lets time pass until `promise` is settled, and tells how much it took. */
    const timed = async <T>(promise: Promise<T>): Promise<{ result: T; took: number }> => {
      const from = clock.now().mono
      let settled = false
      const watched = promise.finally(() => {
        settled = true
      })
      // One timer at a time: the next is set only after the answer has crossed a socket.
      while (!settled) {
        for (let i = 0; i < 50 && !settled; i++) await new Promise((resolve) => setImmediate(resolve))
        if (!settled) clock.advance(5)
      }
      return { result: await watched, took: clock.now().mono - from }
    }
    const { result: session, took } = await timed(stage.startSession())
    assert.ok(took >= 40, `StartSession took ${took} ms`)
    const { result: client, took: opening } = await timed(openClient(session.url, session.token))
    assert.ok(opening >= 40, `the upgrade took ${opening} ms`)
    const agent = await stage.agent.openDataChannel(session.id)
    stage.ends.push(client, agent)
    client.send(streamMessage('input_stream_data', 0, 'there'))
    assert.ok((await timed(agent.until(1))).took >= 20)
    agent.send(streamMessage('output_stream_data', 0, 'and back'))
    assert.ok((await timed(client.until(1))).took >= 20)
    assert.equal(stage.gateway.statistics().toAgent.frames, 1)
  })
})
