import { ResumeSessionCommand, SSMClient, StartSessionCommand } from '@aws-sdk/client-ssm'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { WORLD } from '#sandbox/world.ts'
import { openClient, RawAgent, type RawEnd, streamMessage } from './gateway-ends.ts'
import { ManualClock } from './manual-clock.ts'
import { startTestCloud, type TestCloud } from './test-cloud.ts'

const PORT_DOCUMENT = {
  Target: WORLD.bastion.instanceId,
  DocumentName: 'AWS-StartPortForwardingSession',
  Parameters: { portNumber: ['8080'] },
}

/** Lets the sockets do their work until `check` holds; the test's timeout is its end otherwise. */
export async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve))
}

/** What an end has received, as the texts of the payloads. */
export const outputs = (end: RawEnd) => end.texts.map((text) => text.replace(/^\w+:/, ''))

/** Sends `count` messages of an agent, each with its own number as its payload. */
export function sendOutputs(end: RawEnd, from: number, count: number): void {
  for (let i = from; i < from + count; i++) end.send(streamMessage('output_stream_data', i, String(i)))
}

/** A gateway in virtual time, an SDK client, and an agent by hand whose control channel is open. */
export class GatewayStage implements AsyncDisposable {
  readonly fixture: TestCloud
  readonly clock: ManualClock
  readonly ssm: SSMClient
  readonly agent: RawAgent
  readonly control: RawEnd
  /** Connections that end with the test. */
  readonly ends: RawEnd[] = []

  static async open(options: { latency?: number } = {}): Promise<GatewayStage> {
    const clock = new ManualClock(Date.now())
    const fixture = await startTestCloud({ clock, ...options })
    const agent = new RawAgent(fixture.url, fixture.agent)
    const control = await agent.openControlChannel()
    await eventually(() => fixture.cloud.gateway.isOnline(WORLD.bastion.instanceId))
    return new GatewayStage(fixture, clock, agent, control)
  }

  private constructor(fixture: TestCloud, clock: ManualClock, agent: RawAgent, control: RawEnd) {
    this.fixture = fixture
    this.clock = clock
    this.agent = agent
    this.control = control
    this.ssm = new SSMClient({
      region: WORLD.region,
      endpoint: fixture.url,
      credentials: fixture.operator,
      maxAttempts: 1,
    })
  }

  get gateway(): TestCloud['cloud']['gateway'] {
    return this.fixture.cloud.gateway
  }

  /** The headers by which a client signs its upgrade, which some do and none needs. */
  signedAsOperator(url: string): Promise<Record<string, string>> {
    return new RawAgent(this.fixture.url, this.fixture.operator).signUpgrade(url)
  }

  async startSession(): Promise<{ id: string; url: string; token: string }> {
    const { SessionId, StreamUrl, TokenValue } = await this.ssm.send(new StartSessionCommand(PORT_DOCUMENT))
    return { id: SessionId ?? '', url: StreamUrl ?? '', token: TokenValue ?? '' }
  }

  /** A session with both of its ends open. */
  async connect(): Promise<{ id: string; client: RawEnd; agent: RawEnd }> {
    const { id, url, token } = await this.startSession()
    const client = await openClient(url, token)
    const agent = await this.agent.openDataChannel(id)
    this.ends.push(client, agent)
    // A message each way shows that both are attached.
    client.send(streamMessage('input_stream_data', 0, 'hello agent'))
    agent.send(streamMessage('output_stream_data', 0, 'hello client'))
    await Promise.all([client.until(1), agent.until(1)])
    client.received.length = 0
    agent.received.length = 0
    return { id, client, agent }
  }

  /** A new connection of the session, once the gateway has taken it. */
  async resume(id: string): Promise<RawEnd> {
    const { clientConnections } = this.gateway.statistics()
    const { StreamUrl, TokenValue } = await this.ssm.send(new ResumeSessionCommand({ SessionId: id }))
    const end = await openClient(StreamUrl ?? '', TokenValue ?? '')
    this.ends.push(end)
    await eventually(() => this.gateway.statistics().clientConnections > clientConnections)
    return end
  }

  /** Ends what a test has opened, and mends what it broke. */
  reset(): void {
    for (const end of this.ends.splice(0)) end.socket.terminate()
    this.gateway.order({ kind: 'clear' })
    this.fixture.cloud.state.turn(DEFAULT_KNOBS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ssm.destroy()
    for (const end of this.ends) end.socket.terminate()
    await this.fixture[Symbol.asyncDispose]()
  }
}
