import assert from 'node:assert/strict'
import { createConnection, type Socket } from 'node:net'
import { it } from 'node:test'
import { systemClock } from '#core/io/system-clock.ts'
import type { TunnelHappening } from '#core/tunnel/events.ts'
import { listenLocally } from '#core/tunnel/io/listener.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { startAgent } from '#sandbox/agent/io/agent.ts'
import { WORLD } from '#sandbox/world.ts'
import { FarEnd } from '../support/far-end.ts'
import { HurriedClock } from '../support/hurried-clock.ts'
import { sessionsAt } from '../support/session-context.ts'
import { readAll } from '../support/streams.ts'
import { startTestCloud } from '../support/test-cloud.ts'

/** Answers a first question and no other; `onSecond` is called when that is there. */
const answersOnce = (onSecond: () => void) => (socket: Socket) => {
  socket.once('data', () => {
    socket.write('answer')
    socket.once('data', onSecond)
  })
}

it('a client that ends its input before its answer: its connection tells the loss', {
  timeout: 20_000,
}, async () => {
  await using parts = new AsyncDisposableStack()
  const asked = Promise.withResolvers<void>()
  const far = parts.use(await FarEnd.start(answersOnce(asked.resolve)))
  const cloud = parts.use(await startTestCloud())
  const { port } = far
  const world = { kubernetes: port, grafana: port, payload: port, product: port }
  parts.use(
    await startAgent({
      gateway: cloud.url,
      kms: cloud.url,
      credentials: cloud.agent,
      world,
      pace: 'none',
      clock: systemClock,
    }),
  )
  const clock = new HurriedClock()
  const { context } = parts.use(sessionsAt(cloud.url, cloud.operator))
  const dialer = parts.use(
    await SessionDialer.open(
      { ...context, clock },
      {
        target: WORLD.bastion.instanceId,
        document: 'AWS-StartPortForwardingSessionToRemoteHost',
        parameters: { host: [WORLD.payloadHost], portNumber: [String(WORLD.payloadPort)] },
      },
    ),
  )
  // The numbers of the session's connections and of the listener's differ from here on.
  const unused = await dialer.connect()
  unused.destroy()
  const happenings: TunnelHappening[] = []
  const told = Promise.withResolvers<void>()
  const listener = parts.use(
    await listenLocally({
      plan: { kind: 'any' },
      clock,
      connect: (signal) => dialer.connect(signal),
      report: (happening) => {
        happenings.push(happening)
        if (happening.event === 'connection-closed') told.resolve()
      },
    }),
  )
  const client = createConnection({ host: listener.address, port: listener.port, allowHalfOpen: true })
  client.write('first')
  await new Promise((resolve) => client.once('readable', resolve))
  client.end('second')
  await asked.promise
  clock.hurry(50)
  assert.equal(String(await readAll(client)), 'answer', 'what came before the silence is delivered')
  await told.promise
  const end = happenings.at(-1)
  assert.ok(end?.event === 'connection-closed')
  assert.equal(end.connection, 1)
  assert.equal(end.cause?.code, 'timed-out')
  assert.match(end.cause.message, /silent for 30 s after its client's last word/)
  assert.match(end.cause.why ?? '', /a plain port session/)
  assert.deepEqual(
    happenings.map(({ event }) => event),
    ['connection-opened', 'connection-closed'],
  )
})
