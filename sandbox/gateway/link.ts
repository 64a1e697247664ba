import type { Bytes, Clock, Ms } from '#core/clock.ts'
import { type DirectedFault, FaultPlan } from './faults.ts'

/** A message that changes places with the next goes on alone when none comes for this long. */
const SWAP_PATIENCE: Ms = 50

export interface LinkOptions {
  readonly clock: Clock
  readonly chance: () => number
  /** One way; what a round trip takes is the sum of both links'. */
  readonly latency: Ms
  deliver(frame: Uint8Array): void
}

/**
 * One direction of a session between its two WebSockets: latency and faults. Without any a frame passes straight
 * through.
 */
export class Link {
  readonly #clock: Clock
  readonly #deliver: (frame: Uint8Array) => void
  readonly #plan: FaultPlan
  readonly #latency: Ms
  #delay: Ms = 0
  #stalledUntil: Ms = 0

  // What is on its way, the oldest first; `#head` is the first that has not arrived.
  #queue: Array<{ frame: Uint8Array; due: Ms }> = []
  #head = 0
  #heldBytes: Bytes = 0
  #lastDue: Ms = 0
  #cancelTimer: (() => void) | undefined

  #swapped: Uint8Array | undefined
  #cancelSwap = () => {}

  constructor({ clock, chance, latency, deliver }: LinkOptions) {
    this.#clock = clock
    this.#deliver = deliver
    this.#latency = latency
    this.#plan = new FaultPlan(chance)
  }

  /** Bytes that are on their way. */
  get heldBytes(): Bytes {
    return this.#heldBytes
  }

  /** Takes one frame from the sender. */
  push(frame: Uint8Array): void {
    const fate = this.#plan.empty ? 'deliver' : this.#plan.decide(frame)
    if (fate === 'drop') return
    if (fate === 'reorder' && this.#swapped === undefined) {
      this.#swapped = frame
      this.#cancelSwap = this.#clock.after(SWAP_PATIENCE, () => this.#releaseSwapped())
      return
    }
    this.#forward(frame)
    if (fate === 'duplicate') this.#forward(frame)
    if (this.#swapped !== undefined) this.#releaseSwapped()
  }

  /** Takes a frame of the gateway's own, which follows all that is on its way and meets no fault of messages. */
  follow(frame: Uint8Array): void {
    if (this.#swapped !== undefined) this.#releaseSwapped()
    this.#forward(frame)
  }

  add(fault: DirectedFault): void {
    if (fault.kind === 'delay') this.#delay = fault.ms
    else if (fault.kind === 'stall')
      this.#stalledUntil =
        fault.ms === undefined ? Number.POSITIVE_INFINITY : this.#clock.now().mono + fault.ms
    else this.#plan.add(fault)
    this.#arm()
  }

  /** Ends every fault; what was held arrives. */
  clearFaults(): void {
    this.#plan.clear()
    this.#delay = 0
    this.#stalledUntil = 0
    if (this.#swapped !== undefined) this.#releaseSwapped()
    this.#arm()
  }

  /** Loses all that is on its way, as when a connection breaks. */
  lose(): void {
    this.#cancelSwap()
    this.#swapped = undefined
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#queue = []
    this.#head = 0
    this.#heldBytes = 0
  }

  #releaseSwapped(): void {
    const frame = this.#swapped as Uint8Array
    this.#cancelSwap()
    this.#swapped = undefined
    this.#forward(frame)
  }

  #forward(frame: Uint8Array): void {
    const wait = this.#latency + this.#delay
    if (wait === 0 && this.#stalledUntil === 0 && this.#queue.length === 0) {
      this.#deliver(frame)
      return
    }
    this.#lastDue = Math.max(this.#lastDue, this.#clock.now().mono + wait)
    this.#queue.push({ frame, due: this.#lastDue })
    this.#heldBytes += frame.length
    if (this.#cancelTimer === undefined) this.#arm()
  }

  #arm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const next = this.#queue[this.#head]
    if (next === undefined) return
    const at = Math.max(next.due, this.#stalledUntil)
    if (at === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#clock.after(Math.max(0, at - this.#clock.now().mono), () => this.#arrive())
  }

  #arrive(): void {
    this.#cancelTimer = undefined
    const now = this.#clock.now().mono
    if (this.#stalledUntil <= now) this.#stalledUntil = 0
    for (let next = this.#queue[this.#head]; next !== undefined; next = this.#queue[this.#head]) {
      if (this.#stalledUntil > 0 || next.due > now) break
      this.#head++
      this.#heldBytes -= next.frame.length
      this.#deliver(next.frame)
    }
    this.#compact()
    this.#arm()
  }

  #compact(): void {
    if (this.#head === this.#queue.length) this.#queue = []
    else if (this.#head < 1024) return
    else this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }
}
