import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { HELD_HIGH, type PortInput, type PortOutput } from '#core/ssm/machine.ts'
import { PortSession } from '#core/ssm/port-session.ts'
import { UNSENT_HIGH } from '#core/ssm/port-streams.ts'
import { EARLY_BYTES } from '#core/ssm/receive-queue.ts'
import { encodeFrame, SMUX_FIN, SMUX_PSH } from '#core/ssm/smux/frame.ts'
import { MESSAGE_BYTES_MAX, WINDOW_MAX } from '#core/ssm/upload-window.ts'
import { boxed } from '../../support/boxed.ts'
import { seededBytes, seededChance } from '../../support/random.ts'
import { at, feed, ScriptedAgent, sessionType, streamMessages } from '../../support/scripted-agent.ts'

/*
 * Whatever local side, agent and network do, in whatever order: a session throws nothing, says nothing that
 * contradicts what it said before, and holds no more than its documented bounds.
 */

const CONNECTIONS = 4
const CHUNK = 40_000

/** Acts at random for `steps` steps; checks after each. */
class Storm {
  readonly #chance: () => number
  readonly #session: PortSession
  readonly #agent = new ScriptedAgent()
  readonly #streams = new Map<number, number>()
  readonly #ended = new Set<number>()
  readonly #held = new Map<number, number>()
  readonly #full = new Set<number>()
  #unacknowledged: number[] = []
  #lost: Uint8Array[] = []
  #now = 0
  #isOver = false

  constructor(seed: number) {
    this.#chance = seededChance(seed)
    const properties = { type: this.#chance() < 0.8 ? 'LocalPortForwarding' : 'ssh' }
    this.#session = new PortSession({
      sessionId: 's',
      targetId: 'i',
      random: seededBytes(seed),
      halfClose: this.#chance() < 0.3,
    })
    if (this.#chance() < 0.1) return
    this.#do({ type: 'transport-up' })
    feed(this.#session, at(0), this.#agent.request([sessionType('Port', properties)]))
    streamMessages(this.#session, at(0))
    feed(this.#session, at(0), this.#agent.complete())
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#now += Math.floor(this.#chance() * 400)
      this.#act()
      this.#drain()
      this.#checkMemory()
      const deadline = this.#session.deadline()
      if (deadline === undefined || deadline > this.#now) continue
      this.#do({ type: 'tick' })
      this.#drain()
    }
  }

  #do(input: PortInput): void {
    this.#session.handle(input, at(this.#now))
  }

  #pick(count: number): number {
    return Math.floor(this.#chance() * count)
  }

  #act(): void {
    const roll = this.#chance()
    if (roll < 0.45) this.#local()
    else if (roll < 0.9) this.#fromAgent()
    else if (roll < 0.95) this.#do({ type: this.#chance() < 0.3 ? 'transport-down' : 'transport-up' })
    else if (roll < 0.99) this.#do({ type: 'tick' })
    else if (roll < 0.995) this.#do({ type: 'close' })
    else this.#do({ type: 'give-up', error: new PgctlError('session-lost', 'gone') })
  }

  #local(): void {
    const connection = this.#pick(CONNECTIONS)
    const held = this.#held.get(connection) ?? 0
    const roll = this.#chance()
    if (!this.#streams.has(connection)) {
      this.#streams.set(connection, 3 + 2 * this.#streams.size)
      this.#do({ type: 'open', connection })
    } else if (roll < 0.5 && !this.#full.has(connection)) {
      this.#do({ type: 'write', connection, bytes: new Uint8Array(this.#pick(CHUNK)) })
    } else if (roll < 0.8 && held > 0) {
      const length = 1 + this.#pick(held)
      this.#held.set(connection, held - length)
      this.#do({ type: 'consumed', connection, length })
    } else if (roll < 0.9) {
      this.#do({ type: 'end', connection })
    } else if (roll < 0.95) {
      this.#ended.add(connection)
      this.#held.delete(connection)
      this.#do({ type: 'abort', connection })
    }
  }

  #fromAgent(): void {
    const stream = 3 + 2 * this.#pick(CONNECTIONS)
    const roll = this.#chance()
    if (roll < 0.4) this.#say(encodeFrame(SMUX_PSH, stream, new Uint8Array(this.#pick(CHUNK))))
    else if (roll < 0.45) this.#say(encodeFrame(SMUX_FIN, stream))
    else if (roll < 0.48) feed(this.#session, at(this.#now), this.#agent.flag(this.#pick(5)))
    else if (roll < 0.483) this.#say(seededBytes(this.#pick(1_000))(this.#pick(20)))
    else if (roll < 0.53) feed(this.#session, at(this.#now), seededBytes(this.#pick(1_000))(this.#pick(200)))
    else if (roll < 0.535) feed(this.#session, at(this.#now), this.#agent.closed('bye'))
    else if (roll < 0.7) this.#sayAgain()
    else this.#acknowledge()
  }

  #say(payload: Uint8Array): void {
    const frame = this.#agent.output(payload)
    if (this.#chance() < 0.1) {
      this.#lost.push(frame)
      return
    }
    feed(this.#session, at(this.#now), frame)
    if (this.#chance() < 0.1) feed(this.#session, at(this.#now), frame)
  }

  #sayAgain(): void {
    for (const frame of this.#lost) feed(this.#session, at(this.#now), frame)
    this.#lost = []
  }

  #acknowledge(): void {
    for (const sequence of this.#unacknowledged) {
      if (this.#chance() < 0.8) feed(this.#session, at(this.#now), this.#agent.acknowledge(sequence))
    }
    this.#unacknowledged = []
  }

  #drain(): void {
    for (let output = this.#session.pollEvent(); output !== undefined; output = this.#session.pollEvent()) {
      this.#check(output)
    }
    for (const { sequence, payload } of streamMessages(this.#session, at(this.#now))) {
      assert.equal(this.#isOver, false, 'nothing is sent after the end')
      assert.ok(payload.length <= MESSAGE_BYTES_MAX)
      this.#unacknowledged.push(sequence)
    }
    for (let output = this.#session.pollEvent(); output !== undefined; output = this.#session.pollEvent()) {
      this.#check(output)
    }
  }

  #check(output: PortOutput): void {
    assert.equal(this.#isOver, false, `${output.type} after the end`)
    if (output.type === 'ended') {
      this.#isOver = true
      if (output.end.how === 'failed') assert.ok(isPgctlError(output.end.error))
    }
    if (!('connection' in output)) return
    const { connection } = output
    assert.ok(!this.#ended.has(connection), `${output.type} of connection ${connection}, which is over`)
    if (output.type === 'full') this.#full.add(connection)
    else if (output.type === 'writable') this.#full.delete(connection)
    else if (output.type === 'connection-ended') this.#ended.add(connection)
    else this.#held.set(connection, (this.#held.get(connection) ?? 0) + output.bytes.length)
  }

  #checkMemory(): void {
    const { heldBytes, unsentBytes, unacknowledgedBytes, earlyBytes, inFlight } = this.#session.stats()
    assert.ok(heldBytes <= HELD_HIGH + CHUNK)
    assert.ok(unsentBytes <= CONNECTIONS * (UNSENT_HIGH + CHUNK), `${unsentBytes} bytes unsent`)
    assert.ok(unacknowledgedBytes <= WINDOW_MAX * MESSAGE_BYTES_MAX)
    assert.ok(earlyBytes <= EARLY_BYTES)
    assert.ok(inFlight <= 2 * WINDOW_MAX)
  }
}

describe('a port session in a storm', { timeout: 60_000 }, () => {
  it('keeps its word and its bounds', () => {
    const property = fc.property(fc.nat(), (seed) => new Storm(seed).run(250))
    fc.assert(property, boxed(400, 10_000))
  })
})
