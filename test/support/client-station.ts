import { type Machine, MIN_TRANSMIT_BUDGET } from '#core/ssm/machine.ts'
import { publicationFrame } from './agent-station.ts'
import type { SimulatedNetwork, SimulatedTime, Station } from './link-simulator.ts'

/** What every session takes of its transport. */
type TransportInput =
  | { readonly type: 'transport-up' }
  | { readonly type: 'transport-down' }
  | { readonly type: 'frame'; readonly bytes: Uint8Array }
  | { readonly type: 'tick' }

/** Bytes that a drain sends at most: a socket that takes no more just now. */
const DRAIN_BYTES = 4 * MIN_TRANSMIT_BUDGET

/** Connects a session's machine to a simulated network; the local side is the test's. */
export class ClientStation<Input, Output extends { readonly type: string }> implements Station {
  readonly machine: Machine<Input | TransportInput, Output>
  readonly #time: SimulatedTime
  readonly #network: SimulatedNetwork
  readonly #onEvent: (event: Output) => void
  readonly #afterStep: () => void
  #wakeAt = Number.POSITIVE_INFINITY
  #reads = true
  #up = false

  constructor(
    machine: Machine<Input | TransportInput, Output>,
    time: SimulatedTime,
    network: SimulatedNetwork,
    onEvent: (event: Output) => void,
    afterStep: () => void,
  ) {
    this.machine = machine
    this.#time = time
    this.#network = network
    this.#onEvent = onEvent
    this.#afterStep = afterStep
  }

  get reads(): boolean {
    return this.#reads
  }

  up(): void {
    this.#up = true
    this.give({ type: 'transport-up' })
  }

  down(): void {
    this.#up = false
    this.give({ type: 'transport-down' })
  }

  receive(bytes: Uint8Array): void {
    this.give({ type: 'frame', bytes })
  }

  publish(allowed: boolean): void {
    this.receive(publicationFrame(allowed))
  }

  /** Hands an input to the machine and does everything that follows from it, as the pump does. */
  give(input: Input | TransportInput): void {
    this.machine.handle(input, this.#time.now())
    this.#drain()
  }

  #drain(): void {
    for (let event = this.machine.pollEvent(); event !== undefined; event = this.machine.pollEvent()) {
      if (event.type === 'reading-paused') this.#reads = false
      if (event.type === 'reading-resumed') this.#reads = true
      this.#onEvent(event)
    }
    this.#transmit()
    this.#afterStep()
    this.#arm()
    this.#network.resume('client')
  }

  #transmit(): void {
    const now = this.#time.now()
    let budget = DRAIN_BYTES
    for (;;) {
      const frame = this.machine.pollTransmit(now, budget)
      if (frame === undefined) return
      if (!this.#up) throw new Error('the machine sends without a transport')
      if (frame.length > budget) throw new Error(`a frame of ${frame.length} bytes for a budget of ${budget}`)
      this.#network.send('client', frame)
      budget -= frame.length
      if (budget >= MIN_TRANSMIT_BUDGET) continue
      this.#time.after(0.1, () => this.give({ type: 'tick' }))
      return
    }
  }

  #arm(): void {
    const deadline = this.machine.deadline()
    if (deadline === undefined || deadline >= this.#wakeAt) return
    this.#wakeAt = deadline
    this.#time.after(deadline - this.#time.now().mono, () => {
      if (this.#wakeAt !== deadline) return
      this.#wakeAt = Number.POSITIVE_INFINITY
      this.give({ type: 'tick' })
    })
  }
}
