import type { Clock, Ms } from '#core/clock.ts'
import { type Variables, whoOf } from '#core/tunnel/control/carried.ts'
import type { ControlPlace } from '#core/tunnel/control/io/place.ts'
import { appendJournal, appendLog, type LoggedEvent } from '#core/tunnel/control/io/records.ts'
import type { OpenRequest } from '#core/tunnel/control/requests.ts'
import {
  afterEvent,
  findSame,
  type NewTunnel,
  newRecord,
  type TunnelRecord,
} from '#core/tunnel/control/roster.ts'
import { type Cause, causeOf, type TunnelEvent } from '#core/tunnel/events.ts'
import type { HolderThread, HolderThreadOptions } from './holder-thread.ts'
import type { HolderCalls } from './messages.ts'
import { SleepWatch } from './sleep-watch.ts'

/** How long open connections may go on after a tunnel is told to close. */
const DRAIN: Ms = 500

/** What holds the tunnels of one person's environment. */
export type Holder = Pick<HolderThread, 'call' | 'end'>

export interface TunnelsOptions {
  readonly place: ControlPlace
  readonly clock: Clock
  /** Starts a thread that holds tunnels. */
  readonly startHolder: (options: Omit<HolderThreadOptions, 'start'>) => Holder
  /** A tunnel is gone. */
  readonly onGone: () => void
}

export interface Opening {
  readonly ids: readonly number[]
  readonly environment: Variables
  readonly signal: AbortSignal
  readonly watcher: Watcher
}

export type Watcher = (logged: LoggedEvent) => void

/** The tunnels of a supervisor: who holds each, what has become of it, and what is written down of that. */
export class BackgroundTunnels {
  readonly #options: TunnelsOptions
  readonly #records = new Map<number, TunnelRecord>()
  readonly #holders = new Map<string, Holder>()
  readonly #holderOf = new Map<number, Holder>()
  /** Of tunnels that are being opened, when that is over. */
  readonly #opening = new Map<number, Promise<unknown>>()
  readonly #watchers = new Set<Watcher>()
  readonly #sleep: SleepWatch
  #lastId = 0
  #seq = 0

  constructor(options: TunnelsOptions) {
    this.#options = options
    this.#sleep = new SleepWatch(options.clock, (id) => void this.close(id))
  }

  // ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────

  all(): TunnelRecord[] {
    return [...this.#records.values()]
  }

  /** Those that have not ended. */
  live(): TunnelRecord[] {
    return this.all().filter(({ state }) => state !== 'ended')
  }

  get(id: number): TunnelRecord | undefined {
    return this.#records.get(id)
  }

  findSame(asked: Pick<TunnelRecord, 'installation' | 'word' | 'who'>): TunnelRecord | undefined {
    return findSame(this.all(), asked)
  }

  /** Who holds it; undefined for one that is gone. */
  holderOf(id: number): Holder | undefined {
    return this.#holderOf.get(id)
  }

  /** Resolves when none of them is being opened any more, whatever came of it. */
  async opened(ids: readonly number[]): Promise<void> {
    await Promise.allSettled(ids.flatMap((id) => this.#opening.get(id) ?? []))
  }

  /** What happens from now on; the returned function ends that. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Keeps tunnels that nobody has asked for by name for as long as somebody follows them. */
  hold(records: readonly TunnelRecord[]): Disposable {
    return this.#sleep.hold(records.map(({ id }) => id))
  }

  /** An event as clients see it. */
  entry({ id, installation }: TunnelRecord, event: TunnelEvent): LoggedEvent {
    const at = new Date(this.#options.clock.now().wall).toISOString()
    return { seq: ++this.#seq, at, tunnel: id, installation, event }
  }

  // ── opening and closing ──────────────────────────────────────────────────────────────────────────────────────────

  add(tunnel: Omit<NewTunnel, 'id' | 'openedAt'>): TunnelRecord {
    const openedAt = this.#options.clock.now().wall
    const record = newRecord({ ...tunnel, id: ++this.#lastId, openedAt })
    // One that has failed makes room for its successor.
    for (const { id, state, installation, word } of this.all())
      if (state === 'ended' && installation === tunnel.installation && word === tunnel.word)
        this.#records.delete(id)
    this.#records.set(record.id, record)
    return record
  }

  /** Opens tunnels that were added. Answers why some are not open; @throws PgctlError where none is. */
  async open(
    { request: _, environment: __, ...asks }: OpenRequest,
    opening: Opening,
  ): Promise<readonly Cause[]> {
    const { ids, signal } = opening
    return (await this.#begin(opening, (holder) => holder.call('open', { ...asks, ids }, signal))).failures
  }

  /** Opens one that was added, to a datastore. @throws PgctlError where it is not open. */
  async openTo(asks: Omit<HolderCalls['openTo']['asks'], 'id'>, opening: Opening): Promise<void> {
    const [id = Number.NaN] = opening.ids
    await this.#begin(opening, (holder) => holder.call('openTo', { ...asks, id }, opening.signal))
  }

  async #begin<T>({ ids, environment, watcher }: Opening, begin: (holder: Holder) => Promise<T>): Promise<T> {
    const holder = this.holderFor(environment)
    const unwatch = this.watch((logged) => {
      if (ids.includes(logged.tunnel)) watcher(logged)
    })
    for (const id of ids) this.#holderOf.set(id, holder)
    const opening = begin(holder)
    for (const id of ids) this.#opening.set(id, opening)
    try {
      return await opening
    } catch (error) {
      // What has not begun has no end of its own to tell.
      for (const id of ids) this.#lose(id, causeOf(error))
      throw error
    } finally {
      unwatch()
      for (const id of ids) this.#opening.delete(id)
    }
  }

  async close(id: number): Promise<void> {
    await this.opened([id])
    await this.#holderOf.get(id)?.call('close', { id, within: DRAIN })
  }

  /** Closes all and ends whoever held them. */
  async end(): Promise<void> {
    this.#sleep.end()
    await Promise.allSettled(this.live().map(({ id }) => this.close(id)))
    await Promise.all([...this.#holders.values()].map((holder) => holder.end()))
  }

  /** One that has ended is not shown any more. */
  remove(id: number): void {
    this.#records.delete(id)
  }

  /** One that commands share is now somebody's own. */
  keep(id: number): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    this.#records.set(id, { ...record, implicit: false })
    this.#sleep.forget(id)
  }

  /** Who holds the tunnels of that environment. */
  holderFor(environment: Variables): Holder {
    const key = whoOf(environment)
    const known = this.#holders.get(key)
    if (known !== undefined) return known
    const holder: Holder = this.#options.startHolder({
      environment,
      onEvent: (tunnel, event) => this.#onEvent(tunnel, event),
      onDeath: (error) => {
        this.#holders.delete(key)
        for (const [id, its] of this.#holderOf) if (its === holder) this.#lose(id, causeOf(error))
      },
    })
    this.#holders.set(key, holder)
    return holder
  }

  // ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

  #onEvent(id: number, event: TunnelEvent): void {
    const before = this.#records.get(id)
    if (before === undefined) return
    const record = afterEvent(before, event)
    this.#records.set(id, record)
    this.#writeDown(record, event)
    const logged = this.entry(record, event)
    if (event.event !== 'connection-opened') appendLog(this.#options.place, logged)
    for (const watcher of this.#watchers) watcher(logged)
    if (record.implicit) this.#sleep.saw(id, record.state)
    if (record.state !== 'ended') return
    this.#holderOf.delete(id)
    this.#sleep.forget(id)
    // One that was stopped is no news; one that has failed stays to be seen.
    if (record.cause?.code === 'closed') this.#records.delete(id)
    this.#options.onGone()
  }

  #writeDown({ id, installation, target }: TunnelRecord, event: TunnelEvent): void {
    const { place, clock } = this.#options
    const at = clock.now().wall
    if (event.event === 'ready') appendJournal(place, { opened: id, target, installation, at })
    if (event.event === 'ended') appendJournal(place, { ended: id, cause: event.cause, at })
  }

  /** A tunnel that is gone without a word of its own. */
  #lose(id: number, cause: Cause): void {
    const record = this.#records.get(id)
    if (record === undefined || record.state === 'ended') return
    this.#onEvent(id, { event: 'ended', target: record.target, cause })
  }
}
