import type { RawData, WebSocket } from 'ws'
import { type Bytes, type Clock, type Ms, type RandomBytes, sleep } from '#core/clock.ts'
import { isPgctlError, messageOf } from '#core/errors.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { type Logger, silentLogger } from '#core/logger.ts'
import { decodeMessage, MessageIds } from '#core/ssm/message.ts'
import { createChildHome } from '#sandbox/agent/io/child-environment.ts'
import { type Channel, GatewayClient } from '#sandbox/agent/io/gateway-client.ts'
import { keepAlive } from '#sandbox/agent/io/keep-alive.ts'
import { Metronome } from '#sandbox/agent/io/metronome.ts'
import { AgentSession, type SessionSurroundings } from '#sandbox/agent/io/session.ts'
import type { AgentCredentials } from '#sandbox/agent/io/signed-request.ts'
import { taskCompleteMessage } from '#sandbox/agent/io/task-complete.ts'
import { parseSessionJob } from '#sandbox/agent/job.ts'
import { type SendRate, UNPACED_RATE, VENDOR_RATE } from '#sandbox/agent/sender.ts'
import type { UploadStall } from '#sandbox/agent/upload-stall.ts'
import { WORLD, type WorldPorts, worldOfBastion } from '#sandbox/world.ts'

export interface AgentOptions {
  /** Where the message gateway listens, and KMS: `http://127.0.0.1:PORT` or https. */
  readonly gateway: string
  readonly kms: string
  /** The authority that https endpoints are checked against, in PEM. */
  readonly ca?: string | undefined
  readonly credentials: AgentCredentials
  readonly instanceId?: string | undefined
  /** Where the world's services listen. */
  readonly world: WorldPorts
  /** `vendor`: 1,024 bytes a message and a pause after each, 0.82 MB/s a session. `none`: no pause. */
  readonly pace: 'vendor' | 'none'
  /** Bytes of payload a message; 1,024 unless told. */
  readonly messageSize?: Bytes | undefined
  /** Stop taking uploads for a while when they come too fast. */
  readonly stall?: UploadStall | undefined
  readonly clock?: Clock | undefined
  readonly random?: RandomBytes | undefined
  readonly logger?: Logger | undefined
}

export interface Agent extends AsyncDisposable {
  /** Sessions that are being served. */
  readonly sessionCount: number
}

const RECONNECT_FIRST: Ms = 100
const RECONNECT_MOST: Ms = 5_000

/**
 * Starts an agent that behaves as the vendor's: it opens its control channel and serves the sessions that the
 * gateway sends it. Resolves when it is connected; its disposal ends every session and every process.
 *
 * @throws PgctlError when the gateway does not take it.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const instanceId = options.instanceId ?? WORLD.bastion.instanceId
  const logger = options.logger ?? silentLogger
  const { region, organization, bastion } = worldOfBastion(instanceId) ?? WORLD
  const client = new GatewayClient({ ...options, region })
  const control = await client.openControlChannel(instanceId, bastion.agentVersion)
  const home = await createChildHome(`${organization}-bastion`)
  const agent = new RunningAgent(
    {
      instanceId,
      agentVersion: bastion.agentVersion,
      client,
      world: options.world,
      rate: rateOf(options),
      stall: options.stall,
      home,
      clock,
      random,
      metronome: new Metronome(clock),
      logger,
    },
    control,
  )
  return agent
}

function rateOf(options: AgentOptions): SendRate {
  const rate = options.pace === 'vendor' ? VENDOR_RATE : UNPACED_RATE
  return options.messageSize === undefined ? rate : { ...rate, messageSize: options.messageSize }
}

class RunningAgent implements Agent {
  readonly #around: SessionSurroundings
  readonly #ids: MessageIds
  readonly #sessions = new Map<string, { session: AgentSession; run: Promise<void> }>()
  /** Ends of sessions that the gateway has not acknowledged yet, by session. */
  readonly #untold = new Map<string, string>()
  readonly #closing = new AbortController()
  readonly #control: Promise<void>
  #webSocket: WebSocket | undefined

  constructor(around: SessionSurroundings, control: Channel) {
    this.#around = around
    this.#ids = new MessageIds(around.random)
    this.#control = this.#keepControl(control)
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    const runs = [...this.#sessions.values()].map(({ session, run }) => {
      session.terminate()
      return run
    })
    await Promise.all(runs)
    this.#webSocket?.terminate()
    await this.#control
    await this.#around.home[Symbol.asyncDispose]()
  }

  // ── the control channel ───────────────────────────────────────────────────────────────────────────────────────

  async #keepControl(first: Channel): Promise<void> {
    let channel: Channel | undefined = first
    while (channel !== undefined) {
      await this.#serveControl(channel.webSocket)
      channel = await this.#reopenControl()
    }
  }

  #serveControl(webSocket: WebSocket): Promise<void> {
    this.#webSocket = webSocket
    const stopPings = keepAlive(webSocket, this.#around.clock)
    for (const [sessionId, output] of this.#untold) this.#tell(sessionId, output)
    const { promise, resolve } = Promise.withResolvers<void>()
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      if (isBinary) this.#onControl(data as Buffer)
    })
    webSocket.on('error', () => undefined)
    webSocket.on('close', () => resolve())
    if (webSocket.readyState === webSocket.CLOSED) resolve()
    return promise.finally(stopPings)
  }

  async #reopenControl(): Promise<Channel | undefined> {
    const { client, clock, instanceId, agentVersion, logger } = this.#around
    for (
      let wait = RECONNECT_FIRST;
      !this.#closing.signal.aborted;
      wait = Math.min(2 * wait, RECONNECT_MOST)
    ) {
      try {
        await sleep(clock, wait, this.#closing.signal)
        const channel = await client.openControlChannel(instanceId, agentVersion)
        if (!this.#closing.signal.aborted) return channel
        channel.webSocket.terminate()
      } catch (error) {
        logger.debug({ why: messageOf(error) }, 'the agent has no control channel')
      }
    }
    return undefined
  }

  #onControl(frame: Uint8Array): void {
    try {
      const message = decodeMessage(frame)
      if (message.type === 'interactive_shell' || message.type === 'agent_job') this.#begin(message.payload)
      if (message.type === 'channel_closed')
        this.#sessions.get(sessionIdOf(message.payload))?.session.terminate()
      if (message.type === 'agent_task_acknowledge') this.#untold.delete(taskIdOf(message.payload))
    } catch (error) {
      if (!isPgctlError(error)) throw error
      this.#around.logger.warn({ why: error.message }, 'the agent ignores a message of its control channel')
    }
  }

  // ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────

  #begin(payload: Uint8Array): void {
    const job = parseSessionJob(payload)
    if (this.#sessions.has(job.sessionId) || this.#closing.signal.aborted) return
    const session = new AgentSession(job, this.#around)
    this.#around.logger.info({ sessionId: job.sessionId, type: job.type }, 'the agent serves a session')
    const run = session.run().then((output) => {
      this.#sessions.delete(job.sessionId)
      this.#untold.set(job.sessionId, output)
      this.#tell(job.sessionId, output)
    })
    this.#sessions.set(job.sessionId, { session, run })
  }

  #tell(sessionId: string, output: string): void {
    if (this.#webSocket?.readyState !== this.#webSocket?.OPEN) return
    const { instanceId, clock } = this.#around
    const frame = taskCompleteMessage({ sessionId, instanceId, output }, this.#ids.next(), clock.now().wall)
    this.#webSocket?.send(frame)
  }
}

function sessionIdOf(payload: Uint8Array): string {
  return textField(payload, 'SessionId')
}

function taskIdOf(payload: Uint8Array): string {
  return textField(payload, 'TaskId')
}

function textField(payload: Uint8Array, name: string): string {
  try {
    const value = JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown> | null
    return String(value?.[name] ?? '')
  } catch {
    return ''
  }
}
