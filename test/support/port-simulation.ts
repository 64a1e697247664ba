import assert from 'node:assert/strict'
import { PAYLOAD_OFFSET } from '#core/ssm/constants.ts'
import type { ConnectionId, Machine, PortInput, PortOutput, SessionStats } from '#core/ssm/machine.ts'
import { MESSAGE_BYTES_MAX, WINDOW_MAX } from '#core/ssm/upload-window.ts'
import type { AgentEvent } from '#sandbox/agent/agent-event.ts'
import { AgentEngine } from '#sandbox/agent/engine.ts'
import type { SessionJob } from '#sandbox/agent/job.ts'
import { type SendRate, UNPACED_RATE, VENDOR_RATE } from '#sandbox/agent/sender.ts'
import type { UploadStall } from '#sandbox/agent/upload-stall.ts'
import { AgentStation, channelClosedFrame } from './agent-station.ts'
import { ClientStation } from './client-station.ts'
import { drawFaults, SimulatedNetwork, SimulatedTime } from './link-simulator.ts'
import { seededBytes, seededChance } from './random.ts'

/** Of each connection's upload, its number: so the far end knows what it should be given. */
const NUMBER_BYTES = 4
const LARGEST_WRITE = 16 * 1024
const LIMIT = { until: 900_000, steps: 1_000_000 }

/** What one connection does. */
interface Plan {
  readonly opensAt: number
  readonly upload: number
  readonly download: number
  /** The local side says that it writes no more. */
  readonly halfCloses: boolean
  /** The local side goes away in the middle; undefined: it stays to the end. */
  readonly abortsAfter: number | undefined
  /** Either reader takes this long over each piece. */
  readonly localDelay: number
  readonly farDelay: number
}

export type PortMachine = Machine<PortInput, PortOutput> & { stats(): SessionStats }

export interface PortSimulationOptions {
  readonly seed: number
  readonly multiplexed: boolean
  /** An agent that cannot keep up with uploads. */
  readonly stall?: UploadStall | undefined
  readonly makeClient: (random: (length: number) => Uint8Array) => PortMachine
}

export interface PortSimulationResult {
  readonly connections: number
  readonly refused: number
  readonly uploaded: number
  readonly downloaded: number
  readonly virtualTime: number
}

/** One session over a bad network: some connections with bytes both ways; every byte is compared. */
export function simulatePortSession(options: PortSimulationOptions): PortSimulationResult {
  return new PortSimulation(options).run()
}

/** The byte at `offset` of connection `number`, in the one direction or the other. */
function byteAt(number: number, offset: number, salt: number): number {
  return (offset * 31 + (offset >>> 8) * 7 + number * 101 + salt) & 0xff
}

const UPLOAD = 1
const DOWNLOAD = 2

class LocalSide {
  readonly number: number
  readonly plan: Plan
  written = 0
  received = 0
  full = false
  ended = false
  aborted = false

  constructor(number: number, plan: Plan) {
    this.number = number
    this.plan = plan
  }
}

class FarSide {
  readonly number: number[] = []
  received = 0
  written = 0
  closed = false
}

class PortSimulation {
  readonly #options: PortSimulationOptions
  readonly #chance: () => number
  readonly #time = new SimulatedTime()
  readonly #network: SimulatedNetwork
  readonly #client: ClientStation<PortInput, PortOutput>
  readonly #clientMachine: PortMachine
  readonly #agent: AgentStation
  readonly #engine: AgentEngine
  readonly #rate: SendRate
  readonly #locals: LocalSide[]
  readonly #fars = new Map<number, FarSide>()
  #refused = 0
  #refusalsSeen = 0
  #ended: PortOutput | undefined

  constructor(options: PortSimulationOptions) {
    this.#options = options
    this.#chance = seededChance(options.seed)
    this.#network = new SimulatedNetwork(this.#time, this.#chance, drawFaults(this.#chance))
    this.#rate = this.#chance() < 0.3 ? VENDOR_RATE : UNPACED_RATE
    this.#locals = this.#drawPlans()
    this.#engine = new AgentEngine({
      job: jobOf(options.multiplexed),
      agentVersion: '3.3.0.0',
      random: seededBytes(options.seed + 1),
      rate: this.#rate,
      stall: options.stall,
    })
    this.#clientMachine = options.makeClient(seededBytes(options.seed + 2))
    const checkMemory = () => this.#checkMemory()
    this.#agent = new AgentStation(
      this.#engine,
      this.#time,
      this.#network,
      (event) => this.#onAgent(event),
      checkMemory,
    )
    this.#client = new ClientStation(
      this.#clientMachine,
      this.#time,
      this.#network,
      (event) => this.#onClient(event),
      checkMemory,
    )
  }

  run(): PortSimulationResult {
    this.#network.start(this.#client, this.#agent)
    for (const local of this.#locals) this.#time.after(local.plan.opensAt, () => this.#openLocal(local))
    if (this.#options.multiplexed) this.#closeAfterConnections()
    else this.#endWithConnection()
    assert.equal(this.#refusalsSeen, this.#refused)
    const sum = (of: (local: LocalSide) => number) =>
      this.#locals.reduce((total, local) => total + of(local), 0)
    return {
      connections: this.#locals.length,
      refused: this.#refused,
      uploaded: sum((local) => local.written),
      downloaded: sum((local) => local.received),
      virtualTime: this.#time.now().mono,
    }
  }

  /** A session with many connections lives on without them, until the client closes it. */
  #closeAfterConnections(): void {
    this.#time.run(() => this.#ended !== undefined || this.#locals.every((local) => local.ended), LIMIT)
    assert.equal(this.#ended, undefined, `the session ended by itself: ${JSON.stringify(this.#ended)}`)
    this.#client.give({ type: 'close' })
    this.#time.run(() => this.#ended !== undefined, LIMIT)
    assert.deepEqual(this.#ended, { type: 'ended', end: { how: 'closed' } })
  }

  /** A session of one raw stream ends with it. */
  #endWithConnection(): void {
    this.#time.run(() => this.#ended !== undefined, LIMIT)
    assert.deepEqual(this.#ended, { type: 'ended', end: { how: 'far-end', output: '' } })
    assert.ok(this.#locals.every((local) => local.ended))
  }

  #drawPlans(): LocalSide[] {
    const chance = this.#chance
    // A single stream has one connection at a time, and each ends the session of an SSH kind.
    const count = this.#options.multiplexed ? 1 + Math.floor(chance() * 5) : 1
    const size = () => Math.floor(chance() < 0.2 ? chance() * 3 : chance() ** 3 * 120_000)
    return Array.from({ length: count }, (_, number) => {
      const upload = NUMBER_BYTES + size()
      return new LocalSide(number, {
        opensAt: chance() * 1_500,
        upload,
        download: size(),
        halfCloses: this.#options.multiplexed && chance() < 0.4,
        abortsAfter: this.#options.multiplexed && chance() < 0.1 ? chance() * 2_000 : undefined,
        localDelay: chance() < 0.3 ? chance() * 100 : 0,
        farDelay: chance() < 0.3 ? chance() * 100 : 0,
      })
    })
  }

  // ── the local side ────────────────────────────────────────────────────────────────────────────────────────────

  #openLocal(local: LocalSide): void {
    this.#client.give({ type: 'open', connection: local.number as ConnectionId })
    this.#writeLocal(local)
    const { abortsAfter } = local.plan
    if (abortsAfter === undefined) return
    this.#time.after(abortsAfter, () => {
      if (local.ended) return
      local.aborted = true
      local.ended = true
      this.#client.give({ type: 'abort', connection: local.number })
    })
  }

  #writeLocal(local: LocalSide): void {
    if (local.full || local.ended || this.#ended !== undefined) return
    const { upload, halfCloses } = local.plan
    if (local.written === upload) {
      if (halfCloses) this.#client.give({ type: 'end', connection: local.number })
      return
    }
    const length = Math.min(upload - local.written, 1 + Math.floor(this.#chance() ** 2 * LARGEST_WRITE))
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = uploadByte(local.number, local.written + i)
    local.written += length
    this.#client.give({ type: 'write', connection: local.number, bytes })
    this.#time.after(this.#chance() * 20, () => this.#writeLocal(local))
  }

  #onClient(event: PortOutput): void {
    switch (event.type) {
      case 'data':
        this.#localData(this.#local(event.connection), event.bytes)
        break
      case 'full':
        this.#local(event.connection).full = true
        break
      case 'writable': {
        const local = this.#local(event.connection)
        local.full = false
        this.#time.after(0, () => this.#writeLocal(local))
        break
      }
      case 'connection-ended':
        this.#localEnded(this.#local(event.connection), event.end.cause)
        break
      case 'warning':
        throw new Error(`warned: ${event.warning.code}`)
      case 'ended':
        this.#ended = event
    }
  }

  #localData(local: LocalSide, bytes: Uint8Array): void {
    if (local.aborted) return
    assert.ok(!local.ended, `data of connection ${local.number} after its end`)
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== byteAt(local.number, local.received + i, DOWNLOAD)) {
        throw new Error(
          `connection ${local.number} has a wrong byte at ${local.received + i} of its download`,
        )
      }
    }
    local.received += bytes.length
    const { length } = bytes
    this.#time.after(local.plan.localDelay * this.#chance(), () => {
      if (!local.aborted) this.#client.give({ type: 'consumed', connection: local.number, length })
    })
  }

  #localEnded(local: LocalSide, cause: string): void {
    assert.ok(!local.ended, `connection ${local.number} ended twice`)
    local.ended = true
    if (cause === 'refused') {
      this.#refusalsSeen++
      assert.equal(local.received, 0)
      return
    }
    assert.equal(cause, 'far-end')
    assert.equal(
      local.received,
      local.plan.download,
      `the download of connection ${local.number} is cut short`,
    )
  }

  #local(connection: ConnectionId): LocalSide {
    const local = this.#locals[connection]
    assert.ok(local, `there is no connection ${connection}`)
    return local
  }

  // ── the far side ──────────────────────────────────────────────────────────────────────────────────────────────

  #onAgent(event: AgentEvent): void {
    switch (event.type) {
      case 'start':
        // A handler that is slow to be ready has the client's first messages come again.
        this.#time.after(this.#chance() * 30, () => {
          this.#engine.ready(this.#time.now())
          this.#agent.drain()
        })
        if (!event.multiplexed) this.#fars.set(0, new FarSide())
        break
      case 'open':
        this.#farOpened(event.stream)
        break
      case 'data':
        this.#farData(event.stream, event.bytes)
        break
      case 'input':
        this.#farData(0, event.bytes)
        break
      case 'fin':
        this.#farEnded(event.stream)
        break
      case 'finished':
        this.#network.announce('client', channelClosedFrame(''))
    }
  }

  #farOpened(stream: number): void {
    const willAbort = this.#locals.some((local) => local.plan.abortsAfter !== undefined)
    if (!willAbort && this.#chance() < 0.1) {
      this.#refused++
      this.#engine.refuseStream(stream, this.#time.now())
      return
    }
    this.#fars.set(stream, new FarSide())
  }

  #farData(stream: number, bytes: Uint8Array): void {
    const far = this.#fars.get(stream)
    const count = (delay: number) => {
      this.#time.after(delay, () => {
        this.#engine.consumed(bytes.length, this.#options.multiplexed ? stream : undefined)
        this.#agent.drain()
      })
    }
    if (far === undefined || far.closed) {
      count(0)
      return
    }
    for (const byte of bytes) {
      const offset = far.received++
      if (offset < NUMBER_BYTES) far.number.push(byte)
      else if (byte !== uploadByte(far.number[0] ?? 0, offset)) {
        throw new Error(`stream ${stream} has a wrong byte at ${offset} of its upload`)
      }
    }
    count((this.#planOf(far)?.farDelay ?? 0) * this.#chance())
    this.#time.after(this.#chance() * 10, () => this.#writeFar(stream, far))
  }

  #writeFar(stream: number, far: FarSide): void {
    const plan = this.#planOf(far)
    if (plan === undefined || far.closed) return
    if (far.written < plan.download) {
      if (this.#engine.wantsOutput) this.#writePiece(stream, far, plan)
      this.#time.after(5 + this.#chance() * 10, () => this.#writeFar(stream, far))
    } else if (far.received === plan.upload) {
      // A session that ends while its client is away loses what is under way: the vendor's agent waits 2 s for it.
      const settled = this.#options.multiplexed || this.#engine.heldBytes === 0
      if (!settled) {
        this.#time.after(50, () => this.#writeFar(stream, far))
        return
      }
      far.closed = true
      if (this.#options.multiplexed) this.#engine.closeStream(stream)
      else this.#engine.complete(this.#time.now())
      this.#agent.drain()
    }
  }

  #writePiece(stream: number, far: FarSide, plan: Plan): void {
    const length = Math.min(plan.download - far.written, 1 + Math.floor(this.#chance() * 40_000))
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = byteAt(far.number[0] ?? 0, far.written + i, DOWNLOAD)
    far.written += length
    if (this.#options.multiplexed) this.#engine.writeStream(stream, bytes)
    else this.#engine.write(bytes)
    this.#agent.drain()
  }

  /** The client ended the stream: the vendor's agent closes both directions. */
  #farEnded(stream: number): void {
    const far = this.#fars.get(stream)
    if (far === undefined || far.closed) return
    const local = this.#locals[far.number[0] ?? 0]
    const aborted = local?.aborted === true || far.number.length < NUMBER_BYTES
    assert.ok(aborted, `stream ${stream} was ended before its answer was complete`)
    far.closed = true
    this.#engine.closeStream(stream)
  }

  #planOf(far: FarSide): Plan | undefined {
    return far.number.length < NUMBER_BYTES ? undefined : this.#locals[far.number[0] ?? 0]?.plan
  }

  // ── memory ────────────────────────────────────────────────────────────────────────────────────────────────────

  #checkMemory(): void {
    // What may wait for an acknowledgement, for a message, for the far ends, and out of order.
    const agentBound = this.#rate.queueBytes + 40_000 + 4 * 1024 * 1024 + 600_000
    assert.ok(this.#engine.heldBytes <= agentBound, `the agent holds ${this.#engine.heldBytes} bytes`)
    const stats = this.#clientMachine.stats()
    const unread = this.#locals.reduce((total, local) => total + local.plan.download, 0)
    assert.ok(stats.heldBytes <= unread, `the client holds ${stats.heldBytes} bytes of ${unread}`)
    assert.ok(stats.unsentBytes <= this.#locals.length * (256 * 1024 + LARGEST_WRITE))
    assert.ok(stats.unacknowledgedBytes <= WINDOW_MAX * (MESSAGE_BYTES_MAX + PAYLOAD_OFFSET))
  }
}

function uploadByte(number: number, offset: number): number {
  return offset < NUMBER_BYTES ? number : byteAt(number, offset, UPLOAD)
}

function jobOf(multiplexed: boolean): SessionJob {
  const type = multiplexed ? { type: 'LocalPortForwarding' } : {}
  return {
    sessionId: 'simulated',
    type: 'Port',
    properties: { portNumber: '80', localPortNumber: '0', ...type },
    kmsKeyId: undefined,
    shellProfile: '',
  }
}
