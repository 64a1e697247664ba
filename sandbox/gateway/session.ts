import type { Bytes, Clock, Instant, Ms } from '#core/clock.ts'
import { channelClosedMessage, publicationMessage } from './control-messages.ts'
import { type DirectedFault, kindOf } from './faults.ts'
import { Link } from './link.ts'
import type { Peer } from './peer.ts'

/** What a session was asked for, and by which rules it lives. */
export interface SessionTerms {
  readonly id: string
  /** The instance. */
  readonly target: string
  /** The ARN of who started it. */
  readonly owner: string
  /** What the service tags it with, for policies. */
  readonly tags?: Readonly<Record<string, string>>
  readonly documentName: string
  readonly reason: string | undefined
  /** Time without stream data after which it ends. */
  readonly idle: Ms
  /** Time after which it ends in any case. */
  readonly maximum: Ms | undefined
}

export type SessionStatus = 'Connecting' | 'Connected' | 'Disconnected' | 'Terminated'

/** Frames and bytes that one session's relay has passed on, by direction. */
export interface RelayCount {
  frames: number
  bytes: number
}

export interface SessionSurroundings {
  readonly clock: Clock
  readonly chance: () => number
  /** Of one way. */
  readonly latency: Ms
  /** Whether the agent is told when its client is gone and back. */
  tellsPublication(): boolean
  readonly counts: { readonly toAgent: RelayCount; readonly toClient: RelayCount }
  /** Told once, when the session has ended. */
  ended(session: GatewaySession): void
}

/** An agent whose WebSocket is lost tries to come back for a few seconds; after this nobody waits for it. */
const AGENT_PATIENCE: Ms = 15_000
/** How long the last frames of an agent may take behind its word that it is done. */
const LAST_FRAMES_PATIENCE: Ms = 1_000
/** How long a client may take to close once it has been told that the session is over. */
const CLOSING_PATIENCE: Ms = 2_000
/** Frames kept for an end that has not come yet. */
const EARLY_FRAMES = 1_000
/** What a link may hold before its sender is no longer read. */
const HELD_LIMIT: Bytes = 64 * 1024 * 1024

/**
 * One session at the gateway: its two ends, the links between them, and its end by policy. What is inside the
 * messages is the business of the ends.
 */
export class GatewaySession {
  readonly terms: SessionTerms
  readonly started: Instant
  readonly #around: SessionSurroundings
  readonly #toAgent: Link
  readonly #toClient: Link

  #client: Peer | undefined
  #agent: Peer | undefined
  /** What came before the other end did; undefined once it has been there. */
  #earlyForClient: Uint8Array[] | undefined = []
  #earlyForAgent: Uint8Array[] | undefined = []

  /** What the agent said at its end, while its last frames may still be on their way. */
  #lastWords: string | undefined
  #ended: Instant | undefined
  #lastData: Ms
  #cancelIdle = () => {}
  #cancelMaximum = () => {}
  #cancelPatience = () => {}

  constructor(terms: SessionTerms, around: SessionSurroundings) {
    this.terms = terms
    this.#around = around
    this.started = around.clock.now()
    this.#lastData = this.started.mono
    const { clock, chance, latency } = around
    this.#toAgent = new Link({ clock, chance, latency, deliver: (frame) => this.#deliverToAgent(frame) })
    this.#toClient = new Link({ clock, chance, latency, deliver: (frame) => this.#deliverToClient(frame) })
    this.#watchIdle(terms.idle)
    if (terms.maximum !== undefined)
      this.#cancelMaximum = clock.after(terms.maximum, () =>
        this.end('The session reached its maximum duration.'),
      )
    this.#cancelPatience = clock.after(AGENT_PATIENCE, () => this.end('The agent did not answer.'))
  }

  get status(): SessionStatus {
    if (this.#ended !== undefined) return 'Terminated'
    if (this.#client !== undefined) return 'Connected'
    return this.#earlyForClient === undefined ? 'Disconnected' : 'Connecting'
  }

  /** When it ended, or undefined while it lives. */
  get endedAt(): Instant | undefined {
    return this.#ended
  }

  /** Whether it was the agent that said it is over. */
  get finished(): boolean {
    return this.#lastWords !== undefined
  }

  /** A client has shown its token. An older connection of the same session gives way to it. */
  attachClient(peer: Peer): void {
    const returned = this.#earlyForClient === undefined
    this.#client?.cut()
    this.#client = peer
    peer.listen({
      frame: (data) => this.#fromClient(data),
      writable: () => this.#agent?.resume(),
      gone: () => this.#clientGone(peer),
    })
    const early = this.#earlyForClient ?? []
    this.#earlyForClient = undefined
    for (const frame of early) this.#deliverToClient(frame)
    if (returned && this.#around.tellsPublication()) this.#tellAgent('start_publication')
  }

  /** The agent has shown its token. */
  attachAgent(peer: Peer): void {
    this.#cancelPatience()
    this.#agent?.cut()
    this.#agent = peer
    peer.listen({
      frame: (data) => this.#fromAgent(data),
      writable: () => this.#client?.resume(),
      gone: () => this.#agentGone(peer),
    })
    const early = this.#earlyForAgent ?? []
    this.#earlyForAgent = undefined
    for (const frame of early) this.#deliverToAgent(frame)
  }

  /** ResumeSession counts as activity: the idle time starts anew. */
  touch(): void {
    this.#lastData = this.#around.clock.now().mono
  }

  /**
   * The agent has said on its control channel that it is done. Its last frames come on another connection and may
   * come later, so the session ends when that one has.
   */
  finish(output: string): void {
    this.#lastWords = output
    this.#cancelPatience()
    if (this.#agent === undefined) this.end(output)
    else this.#cancelPatience = this.#around.clock.after(LAST_FRAMES_PATIENCE, () => this.end(output))
  }

  /** Ends the session for good; both ends are told why, then disconnected. */
  end(output: string): void {
    if (this.#ended !== undefined) return
    this.#ended = this.#around.clock.now()
    for (const cancel of [this.#cancelIdle, this.#cancelMaximum, this.#cancelPatience]) cancel()
    const { id, target } = this.terms
    const closed = channelClosedMessage({ id, target }, output, this.#ended.wall)
    for (const link of [this.#toAgent, this.#toClient]) link.follow(closed)
    for (const peer of [this.#client, this.#agent]) peer?.resume()
    this.#cancelPatience = this.#around.clock.after(CLOSING_PATIENCE, () => this.#closeBoth())
    this.#around.ended(this)
  }

  addFault(fault: DirectedFault): void {
    if (fault.direction !== 'to-client') this.#toAgent.add(fault)
    if (fault.direction !== 'to-agent') this.#toClient.add(fault)
  }

  clearFaults(): void {
    this.#toAgent.clearFaults()
    this.#toClient.clearFaults()
  }

  /** Breaks the connection of an end, as a network would: what is on its way is lost. */
  cut(end: 'client' | 'agent' | 'both'): void {
    this.#toAgent.lose()
    this.#toClient.lose()
    if (end !== 'agent') this.#client?.cut()
    if (end !== 'client') this.#agent?.cut()
  }

  /** Closes the client's WebSocket in order, which ends no session. */
  closeClient(code: number): void {
    this.#client?.close(code)
  }

  /** Lets go of everything at once: timers and connections. */
  dispose(): void {
    for (const cancel of [this.#cancelIdle, this.#cancelMaximum, this.#cancelPatience]) cancel()
    this.cut('both')
  }

  #fromClient(frame: Uint8Array): void {
    if (this.#ended !== undefined) return
    if (kindOf(frame) === 'data') this.touch()
    this.#toAgent.push(frame)
    if (this.#toAgent.heldBytes > HELD_LIMIT) this.#client?.pause()
  }

  #fromAgent(frame: Uint8Array): void {
    if (this.#ended !== undefined) return
    const kind = kindOf(frame)
    // `agent_session_state` is for the service: clients that work with it end a session over a type they do not know.
    if (kind === 'state') return
    if (kind === 'data') this.touch()
    this.#toClient.push(frame)
    if (this.#toClient.heldBytes > HELD_LIMIT) this.#agent?.pause()
  }

  #deliverToAgent(frame: Uint8Array): void {
    if (this.#agent === undefined) {
      keepEarly(this.#earlyForAgent, frame)
      return
    }
    count(this.#around.counts.toAgent, frame)
    if (!this.#agent.send(frame)) this.#client?.pause()
    else if (this.#toAgent.heldBytes < HELD_LIMIT / 2) this.#client?.resume()
  }

  #deliverToClient(frame: Uint8Array): void {
    if (this.#client === undefined) {
      keepEarly(this.#earlyForClient, frame)
      return
    }
    count(this.#around.counts.toClient, frame)
    if (!this.#client.send(frame)) this.#agent?.pause()
    else if (this.#toClient.heldBytes < HELD_LIMIT / 2) this.#agent?.resume()
  }

  #clientGone(peer: Peer): void {
    if (this.#client !== peer) return
    this.#client = undefined
    this.#toClient.lose()
    this.#agent?.resume()
    if (this.#ended === undefined && this.#around.tellsPublication()) this.#tellAgent('pause_publication')
  }

  #agentGone(peer: Peer): void {
    if (this.#agent !== peer) return
    this.#agent = undefined
    this.#toAgent.lose()
    this.#client?.resume()
    if (this.#ended !== undefined) return
    if (this.#lastWords !== undefined) this.end(this.#lastWords)
    else
      this.#cancelPatience = this.#around.clock.after(AGENT_PATIENCE, () =>
        this.end('The agent is gone and did not come back.'),
      )
  }

  #closeBoth(): void {
    this.#client?.close(1000)
    this.#agent?.close(1000)
  }

  #tellAgent(type: 'pause_publication' | 'start_publication'): void {
    this.#agent?.send(publicationMessage(type, this.#around.clock.now().wall))
  }

  #watchIdle(wait: Ms): void {
    this.#cancelIdle = this.#around.clock.after(wait, () => {
      const left = this.#lastData + this.terms.idle - this.#around.clock.now().mono
      if (left > 0) this.#watchIdle(left)
      else this.end('The session timed out, as nothing was sent for longer than the idle time.')
    })
  }
}

function keepEarly(early: Uint8Array[] | undefined, frame: Uint8Array): void {
  if (early !== undefined && early.length < EARLY_FRAMES) early.push(frame)
}

function count(tally: RelayCount, frame: Uint8Array): void {
  tally.frames++
  tally.bytes += frame.length
}
