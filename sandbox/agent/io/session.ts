import type { Bytes, Clock, RandomBytes } from '#core/clock.ts'
import { messageOf } from '#core/errors.ts'
import type { Logger } from '#core/logger.ts'
import { KMS_CONTEXT_SESSION_ID, KMS_CONTEXT_TARGET_ID } from '#core/ssm/constants.ts'
import type { AgentEvent } from '#sandbox/agent/agent-event.ts'
import { destinationOf } from '#sandbox/agent/destination.ts'
import { AgentEngine } from '#sandbox/agent/engine.ts'
import type { ChildHome } from '#sandbox/agent/io/child-environment.ts'
import { CommandHandler } from '#sandbox/agent/io/command-handler.ts'
import { DataChannel } from '#sandbox/agent/io/data-channel.ts'
import type { GatewayClient } from '#sandbox/agent/io/gateway-client.ts'
import type { Handler, HandlerHost } from '#sandbox/agent/io/handler.ts'
import type { Metronome } from '#sandbox/agent/io/metronome.ts'
import { MuxPortHandler } from '#sandbox/agent/io/mux-port-handler.ts'
import { RawPortHandler } from '#sandbox/agent/io/raw-port-handler.ts'
import { TerminalHandler } from '#sandbox/agent/io/terminal-handler.ts'
import { commandOf, portPropertiesOf, type SessionJob, separatesOutput } from '#sandbox/agent/job.ts'
import { type SendRate, UNPACED_RATE } from '#sandbox/agent/sender.ts'
import type { UploadStall } from '#sandbox/agent/upload-stall.ts'
import type { WorldPorts } from '#sandbox/world.ts'

/** What all sessions of an agent share. */
export interface SessionSurroundings {
  readonly instanceId: string
  readonly agentVersion: string
  readonly client: GatewayClient
  readonly world: WorldPorts
  readonly rate: SendRate
  readonly stall: UploadStall | undefined
  readonly home: ChildHome
  readonly clock: Clock
  readonly random: RandomBytes
  readonly metronome: Metronome
  readonly logger: Logger
}

/** One session: the pump between its engine, its data channel and its handler. */
export class AgentSession implements HandlerHost {
  readonly #job: SessionJob
  readonly #around: SessionSurroundings
  readonly #engine: AgentEngine
  readonly #channel: DataChannel
  readonly #over = Promise.withResolvers<string>()
  #handler: Handler | undefined
  #starting: Promise<void> = Promise.resolve()
  #output = ''
  #finished = false
  /** What the handler was last told about reading; they all begin by reading. */
  #flowing = true
  #pumping = false
  #cancelTimer = () => {}

  constructor(job: SessionJob, around: SessionSurroundings) {
    this.#job = job
    this.#around = around
    const { agentVersion, random, stall, clock, logger } = around
    // The vendor's agent pauses after each message of a port or a terminal, and not after one of a command's pipes.
    const rate = job.type === 'NonInteractiveCommands' && separatesOutput(job) ? UNPACED_RATE : around.rate
    this.#engine = new AgentEngine({ job, agentVersion, random, rate, stall })
    const clientId = crypto.randomUUID()
    this.#channel = new DataChannel({
      open: () => around.client.openDataChannel(job.sessionId, around.instanceId, clientId),
      clock,
      logger,
      onUp: () => {
        this.#engine.up(clock.now())
        this.#wake()
      },
      onDown: () => {
        this.#engine.down()
        this.#wake()
      },
      onFrame: (frame) => {
        this.#engine.receive(frame, clock.now())
        this.#wake()
      },
      onWritable: () => this.#wake(),
      onLost: () => this.#over.resolve(this.#output),
    })
  }

  /** Serves the session to its end; what it leaves is nothing but the words for the service. */
  async run(): Promise<string> {
    this.#channel.start()
    const output = await this.#over.promise
    this.#finished = true
    this.#cancelTimer()
    await this.#starting
    await this.#handler?.stop()
    await this.#channel.close()
    return output
  }

  /** The service has ended the session, or the agent stops. */
  terminate(): void {
    this.#over.resolve(this.#output)
  }

  // ── HandlerHost ───────────────────────────────────────────────────────────────────────────────────────────────

  ready(): void {
    this.#engine.ready(this.#around.clock.now())
    this.#wake()
  }

  write(bytes: Uint8Array, stream: 'output' | 'error' = 'output'): void {
    this.#engine.write(bytes, stream)
    this.#wake()
  }

  exitCode(status: number): void {
    this.#engine.exitCode(status)
    this.#wake()
  }

  writeStream(stream: number, bytes: Uint8Array): void {
    this.#engine.writeStream(stream, bytes)
    this.#wake()
  }

  closeStream(stream: number): void {
    this.#engine.closeStream(stream)
    this.#wake()
  }

  refuseStream(stream: number): void {
    this.#engine.refuseStream(stream, this.#around.clock.now())
    this.#wake()
  }

  consumed(length: Bytes, stream?: number): void {
    this.#engine.consumed(length, stream)
    this.#wake()
  }

  finish(output: string): void {
    this.#output = output
    this.#engine.complete(this.#around.clock.now())
    this.#wake()
  }

  // ── the pump ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Pumps once after everything that happens in this tick. */
  #wake(): void {
    if (this.#pumping || this.#finished) return
    this.#pumping = true
    process.nextTick(() => {
      this.#pumping = false
      if (!this.#finished) this.#pump()
    })
  }

  #pump(): void {
    this.#cancelTimer()
    const now = this.#around.clock.now()
    this.#engine.tick(now)
    this.#channel.gather()
    do {
      for (let event = this.#engine.pollEvent(); event !== undefined; event = this.#engine.pollEvent()) {
        this.#handle(event)
      }
      while (this.#channel.writable) {
        const frame = this.#engine.pollTransmit(now)
        if (frame === undefined) break
        this.#channel.send(frame)
      }
    } while (this.#engine.hasEvents)
    this.#channel.flush()
    this.#channel.read(this.#engine.wantsInput)
    this.#flow(this.#engine.wantsOutput)
    const deadline = this.#channel.writable ? this.#engine.deadline() : undefined
    if (deadline !== undefined) this.#cancelTimer = this.#around.metronome.at(deadline, () => this.#pump())
  }

  #flow(open: boolean): void {
    if (this.#handler === undefined || open === this.#flowing) return
    this.#flowing = open
    this.#handler.flow(open)
  }

  #handle(event: AgentEvent): void {
    switch (event.type) {
      case 'start':
        this.#starting = this.#start(event.multiplexed)
        break
      case 'decrypt-key':
        void this.#decryptKey(event.ciphertext)
        break
      case 'input':
        if (this.#handler === undefined) this.#engine.consumed(event.bytes.length)
        else this.#handler.input(event.bytes)
        break
      case 'resize':
        this.#handler?.resize(event.columns, event.rows)
        break
      case 'disconnect':
        this.#handler?.disconnect()
        break
      case 'open':
        this.#handler?.openStream(event.stream)
        break
      case 'data':
        this.#handler?.streamData(event.stream, event.bytes)
        break
      case 'fin':
        this.#handler?.streamEnd(event.stream)
        break
      case 'stop':
        this.#around.logger.info({ sessionId: this.#job.sessionId, by: event.by }, 'a session is stopped')
        void this.#stop(event.output)
        break
      case 'finished':
        this.#over.resolve(this.#output)
        break
      default:
        event satisfies never
    }
  }

  async #start(multiplexed: boolean): Promise<void> {
    try {
      this.#handler = await this.#startHandler(multiplexed)
    } catch (error) {
      this.finish(messageOf(error))
    }
  }

  async #startHandler(multiplexed: boolean): Promise<Handler | undefined> {
    const { home, clock, world } = this.#around
    if (this.#job.type === 'Port') return this.#startPort(multiplexed, world)
    const command = commandOf(this.#job)
    if (this.#job.type !== 'NonInteractiveCommands')
      return TerminalHandler.start(this, { command, profile: this.#job.shellProfile, home, clock })
    const handler = new CommandHandler(this, {
      command: command ?? '',
      separate: separatesOutput(this.#job),
      home,
    })
    this.#handler = handler
    handler.start()
    return handler
  }

  #startPort(multiplexed: boolean, world: WorldPorts): Handler | undefined {
    const port = portPropertiesOf(this.#job)
    if (port === undefined) {
      this.finish(`Port number is empty in session properties. ${JSON.stringify(this.#job.properties)}`)
      return undefined
    }
    if (destinationOf(port.host, port.port, world).kind === 'forbidden') {
      this.finish(`Forwarding to IP address ${port.host} is forbidden.`)
      return undefined
    }
    if (!multiplexed) return new RawPortHandler(this, port, world)
    this.ready()
    return new MuxPortHandler(this, port, world)
  }

  async #stop(output: string): Promise<void> {
    this.#output = output
    await this.#starting
    await this.#handler?.stop()
    this.finish(output)
  }

  async #decryptKey(ciphertext: Uint8Array): Promise<void> {
    const context = {
      [KMS_CONTEXT_SESSION_ID]: this.#job.sessionId,
      [KMS_CONTEXT_TARGET_ID]: this.#around.instanceId,
    }
    try {
      const key = await this.#around.client.decryptDataKey(ciphertext, context)
      this.#engine.key(key, this.#around.clock.now())
    } catch (error) {
      this.#engine.keyFailed(messageOf(error))
    }
    this.#wake()
  }
}
