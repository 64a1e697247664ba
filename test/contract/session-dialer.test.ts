import { systemClock } from '#core/io/system-clock.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { startAgent } from '#sandbox/agent/io/agent.ts'
import { WORLD } from '#sandbox/world.ts'
import { describeDialer } from '../support/describe-dialer.ts'
import { sessionsAt } from '../support/session-context.ts'
import { startTestCloud } from '../support/test-cloud.ts'

// The route that everything else stands on: a session of the sandbox's cloud and agent, over real sockets.
describeDialer({
  name: 'port session',
  bulk: 4 * 1024 * 1024,
  async make({ port }) {
    await using parts = new AsyncDisposableStack()
    const cloud = parts.use(await startTestCloud())
    parts.use(
      await startAgent({
        gateway: cloud.url,
        kms: cloud.url,
        credentials: cloud.agent,
        world: { kubernetes: port, grafana: port, payload: port, product: port },
        pace: 'none',
        clock: systemClock,
      }),
    )
    const { context } = parts.use(sessionsAt(cloud.url, cloud.operator))
    const sessionIds: string[] = []
    const journal = {
      started: async (sessionId: string) => void sessionIds.push(sessionId),
      terminated: async () => undefined,
    }
    const dialer = await SessionDialer.open(
      { ...context, journal },
      {
        target: WORLD.bastion.instanceId,
        document: 'AWS-StartPortForwardingSessionToRemoteHost',
        parameters: { host: [WORLD.payloadHost], portNumber: [String(WORLD.payloadPort)] },
      },
    )
    const running = parts.move()
    return {
      dialer,
      async endRoute() {
        // Someone else ends the session, as an account's administrator may.
        for (const sessionId of sessionIds) await context.api.terminate(sessionId)
      },
      async [Symbol.asyncDispose]() {
        await dialer[Symbol.asyncDispose]()
        await running.disposeAsync()
      },
    }
  },
})
