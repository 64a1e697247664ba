import assert from 'node:assert/strict'
import type { Machine, SessionStats, TerminalInput, TerminalOutput } from '#core/ssm/machine.ts'
import type { AgentEvent } from '#sandbox/agent/agent-event.ts'
import { AgentEngine } from '#sandbox/agent/engine.ts'
import type { AgentSessionType, SessionJob } from '#sandbox/agent/job.ts'
import { UNPACED_RATE, VENDOR_RATE } from '#sandbox/agent/sender.ts'
import { AgentStation, channelClosedFrame } from './agent-station.ts'
import { ClientStation } from './client-station.ts'
import { drawFaults, SimulatedNetwork, SimulatedTime } from './link-simulator.ts'
import { seededBytes, seededChance } from './random.ts'

export type TerminalMachine = Machine<TerminalInput, TerminalOutput> & { stats(): SessionStats }

export interface TerminalSimulationOptions {
  readonly seed: number
  readonly type: Exclude<AgentSessionType, 'Port'>
  readonly encrypted: boolean
  readonly makeClient: (random: (length: number) => Uint8Array) => TerminalMachine
}

const LIMIT = { until: 900_000, steps: 1_000_000 }
const DATA_KEY = Uint8Array.from({ length: 64 }, (_, i) => i)
const INPUT = 3
const SALT = { stdout: 5, stderr: 7 } as const

/** One shell or command over a bad network: what is typed and shown is compared byte for byte. */
export function simulateTerminalSession(options: TerminalSimulationOptions): void {
  new TerminalSimulation(options).run()
}

/** A run of bytes of one kind, from `offset` on. */
function bytesOf(salt: number, offset: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((offset + i) * 29 + ((offset + i) >>> 8) * 11 + salt) & 0xff)
}

class TerminalSimulation {
  readonly #options: TerminalSimulationOptions
  readonly #chance: () => number
  readonly #time = new SimulatedTime()
  readonly #network: SimulatedNetwork
  readonly #engine: AgentEngine
  readonly #agent: AgentStation
  readonly #client: ClientStation<TerminalInput, TerminalOutput>
  readonly #machine: TerminalMachine
  readonly #totals: { readonly input: number; readonly stdout: number; readonly stderr: number }
  readonly #exitStatus: number

  #typed = 0
  #inputFull = false
  #inputReceived = 0
  readonly #written = { stdout: 0, stderr: 0 }
  readonly #shown = { stdout: 0, stderr: 0 }
  #lastSize = ''
  #sizeReceived = ''
  #exit: number | undefined
  #keysAsked = 0
  #exitTold = false
  #ended: TerminalOutput | undefined

  constructor(options: TerminalSimulationOptions) {
    this.#options = options
    this.#chance = seededChance(options.seed)
    this.#network = new SimulatedNetwork(this.#time, this.#chance, drawFaults(this.#chance))
    const isCommand = options.type === 'NonInteractiveCommands'
    this.#totals = {
      input: isCommand ? 0 : Math.floor(this.#chance() ** 2 * 20_000),
      // The agent's first word is not repeated: where it is lost, only output tells that a silent session is there.
      stdout: 1 + Math.floor(this.#chance() ** 3 * 80_000),
      stderr: isCommand ? Math.floor(this.#chance() ** 3 * 20_000) : 0,
    }
    this.#exitStatus = Math.floor(this.#chance() * 256)
    this.#engine = new AgentEngine({
      job: jobOf(options),
      agentVersion: '3.3.0.0',
      random: seededBytes(options.seed + 1),
      rate: this.#chance() < 0.3 ? VENDOR_RATE : UNPACED_RATE,
    })
    this.#machine = options.makeClient(seededBytes(options.seed + 2))
    const check = () => this.#checkMemory()
    this.#agent = new AgentStation(
      this.#engine,
      this.#time,
      this.#network,
      (event) => this.#onAgent(event),
      check,
    )
    this.#client = new ClientStation(
      this.#machine,
      this.#time,
      this.#network,
      (event) => this.#onClient(event),
      check,
    )
  }

  run(): void {
    this.#network.start(this.#client, this.#agent)
    this.#time.run(() => this.#ended !== undefined, LIMIT)
    assert.deepEqual(this.#ended, { type: 'ended', end: { how: 'far-end', output: '' } })
    assert.equal(this.#inputReceived, this.#totals.input)
    assert.deepEqual(this.#shown, { stdout: this.#totals.stdout, stderr: this.#totals.stderr })
    assert.equal(this.#sizeReceived, this.#lastSize)
    assert.equal(this.#exit, this.#options.type === 'NonInteractiveCommands' ? this.#exitStatus : undefined)
    if (!this.#options.encrypted) assert.equal(this.#keysAsked, 0)
  }

  // ── the person ────────────────────────────────────────────────────────────────────────────────────────────────

  #onClient(event: TerminalOutput): void {
    switch (event.type) {
      case 'ready':
        // A session can seem to begin without its handshake, where its agent is lost in the first second.
        if (event.facts.encrypted === this.#options.encrypted) this.#time.after(0, () => this.#type())
        break
      case 'need-key':
        this.#keysAsked++
        this.#time.after(this.#chance() * 400, () => {
          const key = { plaintext: DATA_KEY, ciphertext: Buffer.from('blob') }
          this.#client.give({ type: 'key-ready', epoch: event.epoch, key })
        })
        break
      case 'input-full':
        this.#inputFull = true
        break
      case 'input-writable':
        this.#inputFull = false
        this.#time.after(0, () => this.#type())
        break
      case 'output':
        this.#show(event.stream, event.bytes)
        break
      case 'exit':
        assert.equal(this.#exit, undefined, 'the exit status was told twice')
        this.#exit = event.status
        break
      case 'warning':
        throw new Error(`warned: ${event.warning.code}`)
      case 'ended':
        this.#ended = event
    }
  }

  #type(): void {
    if (this.#inputFull || this.#ended !== undefined || this.#typed === this.#totals.input) return
    const length = Math.min(this.#totals.input - this.#typed, 1 + Math.floor(this.#chance() ** 3 * 4_000))
    const bytes = bytesOf(INPUT, this.#typed, length)
    this.#typed += length
    this.#client.give({ type: 'input', bytes })
    if (this.#chance() < 0.2) this.#resize()
    this.#time.after(this.#chance() * 60, () => this.#type())
  }

  #resize(): void {
    const size = { columns: 20 + Math.floor(this.#chance() * 200), rows: 5 + Math.floor(this.#chance() * 80) }
    this.#lastSize = `${size.columns}x${size.rows}`
    this.#client.give({ type: 'resize', size })
  }

  #show(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    const want = bytesOf(SALT[stream], this.#shown[stream], bytes.length)
    assert.equal(Buffer.compare(bytes, want), 0, `wrong bytes of ${stream} after ${this.#shown[stream]}`)
    this.#shown[stream] += bytes.length
    const { length } = bytes
    this.#time.after(this.#chance() * 20, () => this.#client.give({ type: 'output-consumed', length }))
  }

  // ── the process ───────────────────────────────────────────────────────────────────────────────────────────────

  #onAgent(event: AgentEvent): void {
    switch (event.type) {
      case 'decrypt-key':
        assert.equal(Buffer.from(event.ciphertext).toString(), 'blob')
        this.#time.after(this.#chance() * 100, () => {
          this.#engine.key(DATA_KEY, this.#time.now())
          this.#agent.drain()
        })
        break
      case 'start':
        this.#time.after(this.#chance() * 40, () => {
          this.#engine.ready(this.#time.now())
          this.#agent.drain()
          this.#write()
        })
        break
      case 'input': {
        const want = bytesOf(INPUT, this.#inputReceived, event.bytes.length)
        assert.equal(Buffer.compare(event.bytes, want), 0, `wrong input after ${this.#inputReceived}`)
        this.#inputReceived += event.bytes.length
        this.#engine.consumed(event.bytes.length)
        break
      }
      case 'resize':
        this.#sizeReceived = `${event.columns}x${event.rows}`
        break
      case 'stop':
        throw new Error(`the agent ended the session: ${event.output}`)
      case 'finished':
        this.#network.announce('client', channelClosedFrame(''))
    }
  }

  /** Writes the next piece of either stream; at last the exit status, and then the end. */
  #write(): void {
    const stream = this.#chance() < 0.5 ? 'stdout' : 'stderr'
    const left = this.#totals[stream] - this.#written[stream]
    if (left > 0 && this.#engine.wantsOutput) {
      const length = Math.min(left, 1 + Math.floor(this.#chance() * 8_000))
      this.#engine.write(
        bytesOf(SALT[stream], this.#written[stream], length),
        stream === 'stdout' ? 'output' : 'error',
      )
      this.#written[stream] += length
      this.#agent.drain()
    }
    if (this.#finish()) return
    this.#time.after(5 + this.#chance() * 15, () => this.#write())
  }

  #finish(): boolean {
    const all = this.#written.stdout === this.#totals.stdout && this.#written.stderr === this.#totals.stderr
    if (!all || this.#inputReceived < this.#totals.input || this.#sizeReceived !== this.#lastSize)
      return false
    if (!this.#exitTold && this.#options.type === 'NonInteractiveCommands')
      this.#engine.exitCode(this.#exitStatus)
    this.#exitTold = true
    this.#agent.drain()
    // The vendor's agent waits 2 s for the last acknowledgements, and a client may be away for longer.
    if (this.#engine.heldBytes > 0) return false
    this.#engine.complete(this.#time.now())
    this.#agent.drain()
    return true
  }

  #checkMemory(): void {
    const stats = this.#machine.stats()
    assert.ok(stats.unsentBytes <= 64 * 1024 + 4_000, `${stats.unsentBytes} bytes of input wait`)
    assert.ok(stats.heldBytes <= this.#totals.stdout + this.#totals.stderr)
    assert.ok(this.#engine.heldBytes <= 6 * 1024 * 1024, `the agent holds ${this.#engine.heldBytes} bytes`)
  }
}

function jobOf(options: TerminalSimulationOptions): SessionJob {
  return {
    sessionId: 'simulated',
    type: options.type,
    properties: { linux: { commands: 'x', separateOutputStream: true } },
    kmsKeyId: options.encrypted ? 'arn:aws:kms:eu-central-1:111122223333:key/k' : undefined,
    shellProfile: '',
  }
}
