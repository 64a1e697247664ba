import assert from 'node:assert/strict'
import { connectAws } from '#core/aws/clients.ts'
import { createSessionApi } from '#core/aws/session-api.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import type { SessionContext } from '#core/ssm/io/session.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import { SessionDialer } from '#core/tunnel/io/session-dialer.ts'
import { type Sandbox, type SandboxOptions, startSandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { soon } from './eventually.ts'
import { HurriedClock } from './hurried-clock.ts'
import { collector, type LogRecord } from './log-records.ts'
import { seededChance } from './random.ts'

/** A sandbox and a client of it in one process, which share nothing but the wire. */
export interface SandboxSessions extends AsyncDisposable {
  readonly sandbox: Sandbox
  readonly context: SessionContext
  /** The client's clock; the sandbox has the system's. */
  readonly clock: HurriedClock
  /** Sessions that the journal knows of. */
  readonly journal: ReadonlySet<string>
  readonly agentLog: readonly LogRecord[]
  readonly clientLog: readonly LogRecord[]
  /** Opens a port session from the bastion to an address of the world. */
  dial(to?: FarAddress, context?: Partial<SessionContext>): Promise<DialedSession>
  requestTo(to: FarAddress): SessionRequest
  /** Ids of the sessions that have not ended. */
  activeSessions(): string[]
  /** How often the client has called `action` with success. */
  callsOf(action: string): number
}

export interface FarAddress {
  readonly host: string
  readonly port: number
}

/** A dialer, and all that it has told so far. */
export interface DialedSession extends AsyncDisposable {
  readonly dialer: SessionDialer
  readonly events: readonly DialerEvent[]
  readonly sessionId: string
  /** Resolves with the first event of that name, from the start of the session on. */
  event<Name extends DialerEvent['event']>(name: Name): Promise<Extract<DialerEvent, { event: Name }>>
  /** Fails when the data channel was lost on the way: what works only by reconnecting does not work. */
  assertUndisturbed(): void
}

export const PAYLOAD: FarAddress = { host: WORLD.payloadHost, port: WORLD.payloadPort }

/** Starts both. Credentials and endpoint go into this process's environment, where the SDK looks for them. */
export async function startSandboxSessions(options: SandboxOptions = {}): Promise<SandboxSessions> {
  const agentLog: LogRecord[] = []
  const clientLog: LogRecord[] = []
  await using parts = new AsyncDisposableStack()
  const sandbox = parts.use(
    await startSandbox({ pace: 'none', chance: seededChance(1), ...options, logger: collector(agentLog) }),
  )
  signIn(sandbox)
  const agents = createOutboundAgents({})
  parts.defer(() => agents.close())
  const api = createSessionApi(
    connectAws({
      region: WORLD.region,
      environment: {},
      agents,
      clock: systemClock,
      version: 'test',
    }),
  )
  const clock = new HurriedClock()
  const journal = new Set<string>()
  const context: SessionContext = {
    api,
    streamUrls: { region: WORLD.region, override: sandbox.plainEndpoint },
    agents,
    clock,
    random: systemRandom,
    chance: () => 0.5,
    logger: collector(clientLog),
    limits: await api.limits(),
    journal: {
      async started(sessionId) {
        journal.add(sessionId)
      },
      async terminated(sessionId) {
        journal.delete(sessionId)
      },
    },
  }
  const running = parts.move()
  return {
    sandbox,
    context,
    clock,
    journal,
    agentLog,
    clientLog,
    dial: (to = PAYLOAD, more = {}) => dial({ ...context, ...more }, to),
    requestTo,
    activeSessions: () =>
      sandbox.cloud.gateway
        .sessions()
        .filter(({ endedAt }) => endedAt === undefined)
        .map(({ terms }) => terms.id),
    callsOf: (action) =>
      sandbox.cloud.calls.since().filter((call) => call.action === action && call.outcome === 'ok').length,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function requestTo({ host, port }: FarAddress): SessionRequest {
  return {
    target: WORLD.bastion.instanceId,
    document: 'AWS-StartPortForwardingSessionToRemoteHost',
    parameters: { host: [host], portNumber: [String(port)] },
  }
}

async function dial(context: SessionContext, to: FarAddress): Promise<DialedSession> {
  const dialer = await SessionDialer.open(context, requestTo(to))
  const events: DialerEvent[] = []
  const waiting = new Set<() => void>()
  dialer.events.subscribe((event) => {
    events.push(event)
    for (const wake of waiting) wake()
    waiting.clear()
  })
  const [first] = events
  assert.ok(first?.event === 'session')
  return {
    dialer,
    events,
    sessionId: first.sessionId,
    async event(name) {
      for (;;) {
        const found = events.find((event) => event.event === name)
        if (found !== undefined) return found as Extract<DialerEvent, { event: typeof name }>
        await soon(new Promise<void>((resolve) => waiting.add(resolve)), `the event ${name}`)
      }
    },
    assertUndisturbed: () =>
      assert.deepEqual(
        events.filter(({ event }) => event !== 'session'),
        [],
        'the session was disturbed',
      ),
    [Symbol.asyncDispose]: () => dialer[Symbol.asyncDispose](),
  }
}

function signIn({ operator, plainEndpoint }: Sandbox): void {
  for (const name of Object.keys(process.env))
    if (/^AWS_|_PROXY$|_proxy$/.test(name)) delete process.env[name]
  process.env['AWS_ACCESS_KEY_ID'] = operator.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = operator.secretAccessKey
  process.env['AWS_ENDPOINT_URL'] = plainEndpoint
}
