import type { Clock, Ms } from '#core/clock.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { ControlChannels } from './control-channels.ts'
import { channelClosedMessage, sessionTaskMessage } from './control-messages.ts'
import { type DirectedFault, type FaultOrder, faultSchema } from './faults.ts'
import type { Peer } from './peer.ts'
import { GatewaySession, type RelayCount, type SessionTerms } from './session.ts'
import { Tokens } from './tokens.ts'

export interface GatewayOptions {
  readonly clock: Clock
  readonly state: WorldState
  /** A number in [0, 1) for faults that meet a share of the messages. */
  readonly chance: () => number
  /** What a round trip of a client takes more than on loopback. */
  readonly latency: Ms
}

/** A session to start: its terms, and what the agent is told. */
export interface SessionOrder extends SessionTerms {
  readonly document: object
  readonly parameters: Readonly<Record<string, string>>
}

/** Sessions that have ended and are still told of. */
const HISTORY = 1_000

/** What the gateway has done since it started. */
export interface GatewayStatistics {
  readonly sessionsStarted: number
  readonly sessionsOpen: number
  /** Connections of clients, the first of each session included. */
  readonly clientConnections: number
  readonly toAgent: Readonly<RelayCount>
  readonly toClient: Readonly<RelayCount>
}

/** The message gateway: sessions between clients and agents, with the faults that are ordered. */
export class MessageGateway {
  readonly tokens: Tokens
  readonly channels: ControlChannels
  readonly #options: GatewayOptions
  readonly #open = new Map<string, GatewaySession>()
  #history: GatewaySession[] = []
  #started = 0
  #clientConnections = 0
  readonly #counts = { toAgent: { frames: 0, bytes: 0 }, toClient: { frames: 0, bytes: 0 } }

  // What is ordered for all sessions, those that start later included.
  #faults: DirectedFault[] = []
  #refusedUntil: Ms = 0
  #cancelCloseEvery = () => {}
  #tellsPublication = true

  constructor(options: GatewayOptions) {
    this.#options = options
    this.tokens = new Tokens(options.clock)
    this.channels = new ControlChannels(options.clock, ({ sessionId, output }) =>
      this.#open.get(sessionId)?.finish(output),
    )
    options.state.onChange(() => this.#followInstances())
  }

  /** Whether an agent can be reached: its instance runs, it is connected, and no knob says otherwise. */
  isOnline(instanceId: string): boolean {
    return this.channels.isConnected(instanceId) && this.#options.state.mayReachAgent(instanceId)
  }

  /** Starts a session: the agent is told at once. Returns the token that opens the client's end. */
  start(order: SessionOrder): string {
    const { clock, chance, latency } = this.#options
    const session = new GatewaySession(order, {
      clock,
      chance,
      latency: latency / 2,
      counts: this.#counts,
      tellsPublication: () => this.#tellsPublication,
      ended: () => this.#retire(session),
    })
    for (const fault of this.#faults) session.addFault(fault)
    this.#open.set(order.id, session)
    this.#started++
    const task = {
      SessionId: order.id,
      DocumentName: order.documentName,
      DocumentContent: order.document,
      Parameters: order.parameters,
      RunAsUser: '',
      SessionOwner: order.owner,
    }
    this.channels.send(order.target, sessionTaskMessage(task, clock.now().wall))
    return this.tokens.issue('client', order.id)
  }

  /** The session of that id, open or ended. */
  find(id: string): GatewaySession | undefined {
    return this.#open.get(id) ?? this.#history.find(({ terms }) => terms.id === id)
  }

  /** Every session, the newest first. */
  sessions(): GatewaySession[] {
    return [...this.#open.values(), ...this.#history].sort((a, b) => b.started.mono - a.started.mono)
  }

  /** The agent's or the client's end of an open session; false when there is no such session any more. */
  attach(end: 'client' | 'agent', sessionId: string, peer: Peer): boolean {
    const session = this.#open.get(sessionId)
    if (session === undefined) return false
    if (end === 'agent') session.attachAgent(peer)
    else {
      this.#clientConnections++
      session.attachClient(peer)
    }
    return true
  }

  /** Whether new connections of clients are refused just now. */
  get refuses(): boolean {
    return this.#refusedUntil > this.#options.clock.now().mono
  }

  /** Makes something go wrong. Throws a zod error for an order that is none. */
  order(given: FaultOrder): void {
    const fault = faultSchema.parse(given)
    const { clock } = this.#options
    switch (fault.kind) {
      case 'clear':
        this.#clearFaults()
        return
      case 'cut':
        for (const session of this.#open.values()) session.cut(fault.end)
        return
      case 'refuse':
        this.#refusedUntil = fault.ms === undefined ? Number.POSITIVE_INFINITY : clock.now().mono + fault.ms
        return
      case 'close-every':
        this.#closeEvery(fault.ms)
        return
      case 'publication':
        this.#tellsPublication = fault.tell
        return
      default:
        // A fault that ends after some messages or some time is for the sessions of now.
        if (
          !('count' in fault && fault.count !== undefined) &&
          !(fault.kind === 'stall' && fault.ms !== undefined)
        )
          this.#faults.push(fault)
        for (const session of this.#open.values()) session.addFault(fault)
    }
  }

  statistics(): GatewayStatistics {
    return {
      sessionsStarted: this.#started,
      sessionsOpen: this.#open.size,
      clientConnections: this.#clientConnections,
      toAgent: { ...this.#counts.toAgent },
      toClient: { ...this.#counts.toClient },
    }
  }

  /** Disconnects everybody and lets go of every timer. */
  dispose(): void {
    this.#cancelCloseEvery()
    for (const session of this.#open.values()) session.dispose()
    for (const session of this.#history) session.dispose()
    this.#open.clear()
    this.channels.cutAll()
  }

  #clearFaults(): void {
    this.#faults = []
    this.#refusedUntil = 0
    this.#tellsPublication = true
    this.#cancelCloseEvery()
    for (const session of this.#open.values()) session.clearFaults()
  }

  #closeEvery(ms: Ms): void {
    this.#cancelCloseEvery()
    this.#cancelCloseEvery = this.#options.clock.after(ms, () => {
      for (const session of this.#open.values()) session.closeClient(1000)
      this.#closeEvery(ms)
    })
  }

  #retire(session: GatewaySession): void {
    const { id, target } = session.terms
    this.#open.delete(id)
    this.#history.push(session)
    if (this.#history.length > HISTORY) this.#history.shift()?.dispose()
    // An agent that has not opened its end yet hears of it here; one that is done knows.
    if (!session.finished)
      this.channels.send(target, channelClosedMessage({ id, target }, '', this.#options.clock.now().wall))
  }

  /** The sessions on an instance that does not run lose their agent. */
  #followInstances(): void {
    for (const session of this.#open.values())
      if (!this.#options.state.isRunning(session.terms.target)) session.cut('agent')
  }
}
