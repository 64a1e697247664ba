import { encodeMessage } from '#core/ssm/message.ts'
import type { AgentEvent } from '#sandbox/agent/agent-event.ts'
import type { AgentEngine } from '#sandbox/agent/engine.ts'
import { encodeChannelClosed } from './gateway-payloads.ts'
import type { SimulatedNetwork, SimulatedTime, Station } from './link-simulator.ts'

/** Connects the sandbox's agent engine to a simulated network; the far ends are the test's. */
export class AgentStation implements Station {
  readonly engine: AgentEngine
  readonly #time: SimulatedTime
  readonly #network: SimulatedNetwork
  readonly #onEvent: (event: AgentEvent) => void
  readonly #afterStep: () => void
  #wakeAt = Number.POSITIVE_INFINITY

  constructor(
    engine: AgentEngine,
    time: SimulatedTime,
    network: SimulatedNetwork,
    onEvent: (event: AgentEvent) => void,
    afterStep: () => void,
  ) {
    this.engine = engine
    this.#time = time
    this.#network = network
    this.#onEvent = onEvent
    this.#afterStep = afterStep
  }

  get reads(): boolean {
    return this.engine.wantsInput
  }

  up(): void {
    this.engine.up(this.#time.now())
    this.drain()
  }

  down(): void {
    this.engine.down()
    this.drain()
  }

  receive(frame: Uint8Array): void {
    this.engine.receive(frame, this.#time.now())
    this.drain()
  }

  publish(allowed: boolean): void {
    this.receive(publicationFrame(allowed))
  }

  /** Does everything that follows from what happened, as a pump does. */
  drain(): void {
    const now = this.#time.now()
    this.engine.tick(now)
    do {
      for (let event = this.engine.pollEvent(); event !== undefined; event = this.engine.pollEvent()) {
        this.#onEvent(event)
      }
      for (
        let frame = this.engine.pollTransmit(now);
        frame !== undefined;
        frame = this.engine.pollTransmit(now)
      ) {
        this.#network.send('agent', frame)
      }
    } while (this.engine.hasEvents)
    this.#afterStep()
    this.#arm()
    this.#network.resume('agent')
  }

  #arm(): void {
    const deadline = this.engine.deadline()
    if (deadline === undefined || deadline >= this.#wakeAt) return
    this.#wakeAt = deadline
    this.#time.after(deadline - this.#time.now().mono, () => {
      if (this.#wakeAt !== deadline) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.drain()
    })
  }
}

/** What the gateway sends when the other end's connection is lost or back. */
export function publicationFrame(allowed: boolean): Uint8Array {
  return encodeMessage({
    type: allowed ? 'start_publication' : 'pause_publication',
    createdDate: 0,
    sequence: 0,
    flags: 3,
    messageId: new Uint8Array(16),
    payloadType: 0,
    payload: new Uint8Array(0),
  })
}

/** What the gateway sends a client at the end of its session. */
export function channelClosedFrame(output: string): Uint8Array {
  const messageId = new Uint8Array(16)
  const createdDate = '2026-11-23T12:00:00Z'
  return encodeMessage({
    type: 'channel_closed',
    createdDate: 0,
    sequence: 0,
    flags: 3,
    messageId,
    payloadType: 0,
    payload: encodeChannelClosed({ messageId, sessionId: 'simulated', createdDate, output }),
  })
}
