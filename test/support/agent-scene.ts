import { systemClock } from '#core/io/system-clock.ts'
import { type Agent, startAgent } from '#sandbox/agent/io/agent.ts'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { startPayload } from '#sandbox/services/payload.ts'
import { WORLD } from '#sandbox/world.ts'
import { sessionsAt, type TestSessions } from './session-context.ts'
import { startTestCloud, type TestCloud } from './test-cloud.ts'

/** A cloud, its bastion's agent, one service behind it, and our client's sessions. */
export interface AgentScene extends AsyncDisposable {
  readonly cloud: TestCloud
  readonly agent: Agent
  readonly sessions: TestSessions
  /** Everything in good order again, and no session left: for after each test. */
  settle(): Promise<void>
}

export async function startAgentScene(): Promise<AgentScene> {
  await using parts = new AsyncDisposableStack()
  const cloud = parts.use(await startTestCloud())
  const payload = parts.use(await startPayload({ clock: systemClock }))
  const sessions = sessionsAt(cloud.url, cloud.operator)
  parts.defer(() => sessions[Symbol.dispose]())
  const agent = parts.use(
    await startAgent({
      // By TLS, with the sandbox's own authority, as an external agent would.
      gateway: cloud.secureUrl,
      kms: cloud.secureUrl,
      ca: cloud.authority.certificate,
      credentials: cloud.agent,
      world: { kubernetes: 1, grafana: 1, payload: payload.port, product: 1 },
      pace: 'none',
    }),
  )
  await eventually(() => cloud.cloud.gateway.isOnline(WORLD.bastion.instanceId))
  const running = parts.move()
  return {
    cloud,
    agent,
    sessions,
    async settle() {
      cloud.cloud.gateway.order({ kind: 'clear' })
      cloud.cloud.state.turn(DEFAULT_KNOBS)
      await eventually(() => agent.sessionCount === 0)
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Lets the sockets do their work until `check` holds. A check that never does fails, instead of turning for ever. */
export async function eventually(check: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`still not so: ${check}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
