import type { Instant, Ms } from '#core/clock.ts'
import { scaled } from './boxed.ts'

/*
 * Two pure engines and a bad network between them, in virtual time: nothing here waits, and a seed decides everything.
 *
 *     client ── up ──► gateway ── up ──► agent
 *        ◄── down ──          ◄── down ──
 *
 * The way loses, repeats and reorders frames, and each end's connection to the gateway is cut now and then, as a
 * WebSocket is. The gateway tells the other end of it (pause and start of publication), or, in some runs, does not.
 */

export type End = 'client' | 'agent'

/** What one run's network does. */
export interface NetworkFaults {
  readonly delay: Ms
  readonly jitter: Ms
  /** Shares of frames, each in [0, 1). */
  readonly loss: number
  readonly duplication: number
  readonly reordering: number
  readonly cuts: readonly Cut[]
}

export interface Cut {
  readonly at: Ms
  readonly end: End
  /** How long the end stays away. */
  readonly away: Ms
  /** Whether the gateway tells the other end. */
  readonly told: boolean
}

/** One end's machine, as the network sees it. */
export interface Station {
  up(): void
  down(): void
  receive(frame: Uint8Array): void
  /** The other end's connection is lost (false) or back (true). */
  publish(allowed: boolean): void
  /** Whether frames may be delivered now; others wait at the gateway. */
  readonly reads: boolean
}

interface Appointment {
  readonly at: Ms
  readonly order: number
  readonly act: () => void
}

/** A clock that runs from one appointment to the next. */
export class SimulatedTime {
  #now: Ms = 0
  #order = 0
  readonly #heap: Appointment[] = []

  now(): Instant {
    return { mono: this.#now, wall: 1_795_000_000_000 + this.#now }
  }

  after(delay: Ms, act: () => void): void {
    this.#push({ at: this.#now + Math.max(0, delay), order: this.#order++, act })
  }

  /** Runs until `done`, or fails: with nothing left to do, at the time limit, or after too many steps. */
  run(done: () => boolean, limit: { readonly until: Ms; readonly steps: number }): void {
    for (let steps = 0; !done(); steps++) {
      const next = this.#pop()
      if (next === undefined) throw new Error(`nothing is left to happen at ${this.#now} ms`)
      if (next.at > limit.until) throw new Error(`not done after ${limit.until} ms`)
      if (steps > limit.steps) throw new Error(`not done after ${steps} steps, at ${this.#now} ms`)
      this.#now = next.at
      next.act()
    }
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(appointment)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(appointment, heap[parent] as Appointment)) break
      heap[at] = heap[parent] as Appointment
      at = parent
    }
    heap[at] = appointment
  }

  #pop(): Appointment | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Appointment, heap[child] as Appointment))
        child++
      if (!isBefore(heap[child] as Appointment, last)) break
      heap[at] = heap[child] as Appointment
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Appointment, b: Appointment): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Draws a network from chance: mostly mild, sometimes dreadful. */
export function drawFaults(chance: () => number): NetworkFaults {
  const severity = chance()
  const cuts = Math.floor(chance() * 4)
  return {
    delay: chance() * 60,
    jitter: chance() * 30,
    loss: severity * 0.12 * chance(),
    duplication: severity * 0.1 * chance(),
    reordering: severity * 0.2 * chance(),
    cuts: Array.from({ length: cuts }, () => ({
      at: chance() * 4_000,
      end: chance() < 0.6 ? ('client' as const) : ('agent' as const),
      away: 20 + chance() * 2_500,
      told: chance() < 0.7,
    })),
  }
}

/** The gateway and the ways to it. */
export class SimulatedNetwork {
  readonly #time: SimulatedTime
  readonly #chance: () => number
  readonly #faults: NetworkFaults
  readonly #stations = new Map<End, Station>()
  /** Each end's connection: its number counts up with every cut, and is odd while it is away. */
  readonly #connection: Record<End, number> = { client: 1, agent: 1 }
  readonly #waiting: Record<End, Uint8Array[]> = { client: [], agent: [] }
  readonly #resuming: Record<End, boolean> = { client: false, agent: false }
  frames = 0

  constructor(time: SimulatedTime, chance: () => number, faults: NetworkFaults) {
    this.#time = time
    this.#chance = chance
    this.#faults = faults
  }

  /** Connects both ends and appoints the cuts. */
  start(client: Station, agent: Station): void {
    this.#stations.set('client', client)
    this.#stations.set('agent', agent)
    for (const end of ['agent', 'client'] as const) {
      this.#time.after(this.#faults.delay * this.#chance(), () => this.#connect(end))
    }
    for (const cut of this.#faults.cuts) this.#time.after(cut.at, () => this.#cut(cut))
  }

  /** Carries a frame from `end` to the other; what becomes of it is chance. */
  send(from: End, frame: Uint8Array): void {
    if (this.#isAway(from)) return
    this.frames++
    if (this.#chance() < this.#faults.loss) return
    // A sender may write into its buffer again, and a receiver may keep views: each gets bytes of its own.
    this.#carry(from, new Uint8Array(frame))
    if (this.#chance() < this.#faults.duplication) this.#carry(from, new Uint8Array(frame))
  }

  /** The gateway's own word for an end, which it keeps until that end is there. */
  announce(to: End, frame: Uint8Array): void {
    this.#time.after(this.#faults.delay, () => {
      if (this.#isAway(to)) this.announce(to, frame)
      else this.#stations.get(to)?.receive(frame)
    })
  }

  /** Hands over what waited for `end` to read again. */
  resume(end: End): void {
    const station = this.#stations.get(end)
    // Each frame makes its station ask again.
    if (this.#resuming[end]) return
    this.#resuming[end] = true
    while (station?.reads === true && this.#waiting[end].length > 0) {
      const frame = this.#waiting[end].shift()
      if (frame !== undefined) station.receive(frame)
    }
    this.#resuming[end] = false
  }

  #carry(from: End, frame: Uint8Array): void {
    const { delay, jitter, reordering } = this.#faults
    const to: End = from === 'client' ? 'agent' : 'client'
    const late = this.#chance() < reordering ? this.#chance() * 80 : 0
    const sent = this.#connection[from]
    const heard = this.#connection[to]
    this.#time.after(delay + this.#chance() * jitter + late, () => {
      // A cut loses whatever is under way on that connection, in both directions.
      if (this.#connection[from] !== sent || this.#connection[to] !== heard || this.#isAway(to)) return
      const station = this.#stations.get(to)
      if (station?.reads === true && this.#waiting[to].length === 0) station.receive(frame)
      else this.#waiting[to].push(frame)
    })
  }

  #cut(cut: Cut): void {
    if (this.#isAway(cut.end)) return
    this.#connection[cut.end]++
    this.#waiting[cut.end] = []
    this.#stations.get(cut.end)?.down()
    if (cut.told) this.#tell(cut.end, false)
    this.#time.after(cut.away, () => {
      this.#connect(cut.end)
      if (cut.told) this.#tell(cut.end, true)
    })
  }

  #connect(end: End): void {
    this.#connection[end]++
    this.#stations.get(end)?.up()
  }

  #tell(about: End, allowed: boolean): void {
    const to: End = about === 'client' ? 'agent' : 'client'
    this.#time.after(this.#faults.delay, () => {
      if (!this.#isAway(to)) this.#stations.get(to)?.publish(allowed)
    })
  }

  #isAway(end: End): boolean {
    return this.#connection[end] % 2 === 1
  }
}

/** The seeds of a test: `count` from `first`, more or fewer as `PGCTL_FUZZ` says, or the one that `SEED` names. */
export function seedsOf(first: number, count: number): number[] {
  const only = process.env['SEED']
  return only === undefined ? Array.from({ length: scaled(count) }, (_, i) => first + i) : [Number(only)]
}

/** Runs `simulate` for each seed; a failure says which seed it was, and how to run it again. */
export function runSeeds(seeds: readonly number[], simulate: (seed: number) => void): void {
  for (const seed of seeds) {
    try {
      simulate(seed)
    } catch (cause) {
      throw new Error(`SEED=${seed} failed: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }
}
