import type { Clock, Ms } from '#core/clock.ts'
import { carriedEnvironment, type Variables, whoOf } from '#core/tunnel/control/carried.ts'
import type { ControlPlace } from '#core/tunnel/control/io/place.ts'
import {
  appendJournal,
  appendLog,
  beginJournal,
  clearLog,
  type LoggedEvent,
} from '#core/tunnel/control/io/records.ts'
import { type ControlCall, type ControlServer, serveControl } from '#core/tunnel/control/io/server.ts'
import type { FormerLife } from '#core/tunnel/control/journal.ts'
import {
  type ClusterRequest,
  type OpenRequest,
  parseRequest,
  type SelectRequest,
} from '#core/tunnel/control/requests.ts'
import {
  afterEvent,
  findSame,
  newRecord,
  readyEventOf,
  select,
  type TunnelRecord,
} from '#core/tunnel/control/roster.ts'
import { type Cause, causeOf, type TunnelEvent } from '#core/tunnel/events.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
import { formatTargetWord, parseTargets, type TargetWord } from '#core/tunnel/target.ts'
import { chooseInstallation } from '../config.ts'
import { loadConfig } from '../load-config.ts'
import { standsAlone } from '../tunnel-goal.ts'
import { writeClusterFiles } from './cluster-files.ts'
import { HolderThread } from './holder-thread.ts'
import type { ClusterFacts } from './messages.ts'

/** How long a supervisor that nobody asks for anything waits for the command that has started it. */
const FIRST_PATIENCE: Ms = 10_000
/** How long a tunnel that was opened for a command listens after it has fallen asleep: longer than people edit. */
const IMPLICIT_SLEEP: Ms = 60 * 60_000
/** How long open connections may go on after `stop`. */
const DRAIN: Ms = 500

export interface SupervisorOptions {
  readonly place: ControlPlace
  /** The folder of state, for what programs of the cluster are given. */
  readonly state: string
  readonly version: string
  readonly root: string
  readonly clock: Clock
}

/** What a request that opened something answers. */
export interface OpenResult {
  /** Of each word, in their order. */
  readonly tunnels: readonly TunnelRecord[]
  readonly failures: readonly Cause[]
  /** Tunnels of a supervisor that was killed, told once. */
  readonly former: FormerLife | undefined
}

/** The way to a cluster for a program of this computer; `isThere: false` where it was not to be opened. */
export type ClusterWay =
  | { readonly isThere: false }
  | {
      readonly isThere: true
      readonly isNew: boolean
      readonly installation: string
      readonly kubeconfig: string
      /** The tunnel's number. */
      readonly tunnel: number
      readonly access: Omit<ClusterFacts, 'token'> & { readonly server: string }
      readonly token: ClusterFacts['token']
    }

/** What a client sees of one tunnel: that it is one of those meant, and then what happens to it. */
export type SupervisorEvent = { readonly record: TunnelRecord } | { readonly logged: LoggedEvent }

type Watcher = (logged: LoggedEvent) => void

/** All background tunnels of one user, and whoever asks for them. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions
  readonly #records = new Map<number, TunnelRecord>()
  readonly #holders = new Map<string, HolderThread>()
  readonly #holderOf = new Map<number, HolderThread>()
  /** Of tunnels that are being opened, when that is over. */
  readonly #opening = new Map<number, Promise<unknown>>()
  readonly #watchers = new Set<Watcher>()
  /** How many follow a tunnel, by its number. */
  readonly #holds = new Map<number, number>()
  /** What cancels the end of a tunnel that sleeps. */
  readonly #asleep = new Map<number, () => void>()
  readonly #over = Promise.withResolvers<void>()
  #former: FormerLife | undefined
  #server: ControlServer | undefined
  #lastId = 0
  #seq = 0
  /** Requests that are being answered, and may open something. */
  #asking = 0
  #cancelPatience = () => {}

  private constructor(options: SupervisorOptions) {
    this.#options = options
  }

  /** Listens for requests. @throws PgctlError `state-conflict` where another supervisor does. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { place, version, clock } = options
    const supervisor = new Supervisor(options)
    supervisor.#server = await serveControl({
      place,
      version,
      clock,
      prepare: () => {
        const former = beginJournal(place, version, clock)
        if (former.lost.length > 0) supervisor.#former = former
        clearLog(place)
      },
      answer: (call) => supervisor.#answer(call),
    })
    supervisor.#cancelPatience = clock.after(FIRST_PATIENCE, () => supervisor.#endIfIdle())
    return supervisor
  }

  /** Resolves when the last tunnel is gone, and nobody is asking for another. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** Closes all tunnels. New clients find nobody from the first moment on. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { place, clock } = this.#options
    this.#cancelPatience()
    const closed = this.#server?.[Symbol.asyncDispose]()
    await Promise.allSettled(this.#live().map((record) => this.#close(record)))
    await Promise.all([...this.#holders.values()].map((holder) => holder.end()))
    appendJournal(place, { over: true, at: clock.now().wall })
    await closed
  }

  async #answer(call: ControlCall): Promise<object> {
    const request = parseRequest(call.request)
    switch (request.request) {
      case 'list': {
        const { version } = this.#options
        return { version, pid: process.pid, tunnels: [...this.#records.values()] }
      }
      case 'stop':
        return this.#counted(async () => ({ stopped: await this.#stop(request) }))
      case 'attach':
        return this.#attach(request, call)
      case 'open':
        return this.#counted(() => this.#open(request, call))
      case 'cluster':
        return this.#counted(() => this.#cluster(request, call))
    }
  }

  // ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────

  async #open(request: OpenRequest, call: ControlCall): Promise<OpenResult> {
    const words = parseTargets(request.words)
    const { installation, who, environment } = this.#whose(request, words)
    const fresh: TunnelRecord[] = []
    const ids = words.map((word) => {
      const same = this.#findSame({ installation, word: wordsOf(word).join(' '), who })
      if (same !== undefined && (!request.port || request.port === same.port)) return same.id
      const record = this.#add({ installation, word, who, request, implicit: false })
      fresh.push(record)
      return record.id
    })
    await this.#showKnown(
      ids.filter((id) => fresh.every((record) => record.id !== id)),
      call,
    )
    const opened = { ...request, words: fresh.flatMap(({ word }) => word.split(' ')) }
    const failures =
      fresh.length === 0
        ? []
        : await this.#openFresh(opened, { ids: fresh.map(({ id }) => id), environment, call })
    const former = this.#former
    this.#former = undefined
    return { tunnels: ids.flatMap((id) => this.#records.get(id) ?? []).filter(isLive), failures, former }
  }

  /** Tunnels that are there already, or will be in a moment. */
  async #showKnown(ids: readonly number[], call: ControlCall): Promise<void> {
    await Promise.allSettled(ids.flatMap((id) => this.#opening.get(id) ?? []))
    for (const id of ids) {
      const record = this.#records.get(id)
      const ready = record && readyEventOf(record)
      if (record !== undefined && ready !== undefined) call.event({ logged: this.#entry(record, ready) })
    }
  }

  async #openFresh(
    { request: _, environment: __, ...asks }: OpenRequest,
    { ids, environment, call }: { ids: readonly number[]; environment: Variables; call: ControlCall },
  ): Promise<readonly Cause[]> {
    const holder = this.#holder(environment)
    const unwatch = this.#watch((logged) => {
      if (ids.includes(logged.tunnel)) call.event({ logged })
    })
    for (const id of ids) this.#holderOf.set(id, holder)
    const opening = holder.call('open', { ...asks, ids }, call.signal)
    for (const id of ids) this.#opening.set(id, opening)
    try {
      return (await opening).failures
    } catch (error) {
      // What has not begun has no end of its own to tell.
      for (const id of ids) this.#forget(id, causeOf(error))
      throw error
    } finally {
      unwatch()
      for (const id of ids) this.#opening.delete(id)
    }
  }

  #whose(
    { flags, folder, environment }: Pick<OpenRequest, 'flags' | 'folder' | 'environment'>,
    words: readonly TargetWord[],
  ) {
    const carried = { ...carriedEnvironment(environment) }
    if (flags.region !== undefined) carried['PGCTL_REGION'] = flags.region
    if (flags.profile !== undefined) carried['PGCTL_PROFILE'] = flags.profile
    const isAlone = words.every(standsAlone) && flags.installation === undefined
    const config = loadConfig({ flags, environment: carried, folder })
    const found = isAlone ? undefined : chooseInstallation(config)
    const background = config.settings.background.value
    return { installation: found?.name, who: whoOf(carried, found), environment: carried, background }
  }

  #findSame(asked: Pick<TunnelRecord, 'installation' | 'word' | 'who'>): TunnelRecord | undefined {
    return findSame([...this.#records.values()], asked)
  }

  #add(tunnel: {
    installation: string | undefined
    word: TargetWord
    who: string
    request: { reason?: string | undefined; idleMs?: number | undefined }
    implicit: boolean
  }): TunnelRecord {
    const { installation, word, who, request, implicit } = tunnel
    const record = newRecord({
      ...{ installation, who, implicit },
      id: ++this.#lastId,
      word: wordsOf(word).join(' '),
      lazy: request.idleMs !== undefined,
      reason: request.reason,
      openedAt: this.#options.clock.now().wall,
    })
    // One that has failed makes room for its successor.
    for (const old of this.#records.values())
      if (old.state === 'ended' && old.installation === installation && old.word === record.word)
        this.#records.delete(old.id)
    this.#records.set(record.id, record)
    return record
  }

  #holder(environment: Variables): HolderThread {
    const key = whoOf(environment)
    const known = this.#holders.get(key)
    if (known !== undefined) return known
    const { version, root } = this.#options
    const holder: HolderThread = new HolderThread({
      start: { version, root, trusts: process.env['NODE_EXTRA_CA_CERTS'] },
      environment,
      onEvent: (tunnel, event) => this.#onEvent(tunnel, event),
      onDeath: (error) => {
        this.#holders.delete(key)
        for (const [id, its] of this.#holderOf) if (its === holder) this.#forget(id, causeOf(error))
      },
    })
    this.#holders.set(key, holder)
    return holder
  }

  // ── the cluster, for programs ────────────────────────────────────────────────────────────────────────────────────

  async #cluster(request: ClusterRequest, call: ControlCall): Promise<ClusterWay> {
    const words = parseTargets(['cluster'])
    const { installation = '', who, environment, background } = this.#whose(request, words)
    if (background === 'off' && !request.open) return { isThere: false }
    const { port: asked } = request
    const there = this.#findSame({ installation, word: 'cluster', who })
    let record = asked === undefined || asked === there?.port ? there : undefined
    const isNew = record === undefined
    if (record === undefined) {
      if (!request.open) return { isThere: false }
      const { idleMs, flags, folder } = request
      const implicit = request.stays !== true
      record = this.#add({ installation, word: words[0] as TargetWord, who, request, implicit })
      const whence = { flags, folder, environment }
      const open: OpenRequest = { request: 'open', words: ['cluster'], idleMs, port: asked, ...whence }
      await this.#openFresh(open, { ids: [record.id], environment, call })
    }
    await this.#opening.get(record.id)
    if (request.stays) this.#keep(record.id)
    const holder = this.#holderOf.get(record.id)
    if (holder === undefined) return { isThere: false }
    const { flags, folder } = request
    const [facts] = await Promise.all([
      holder.call('cluster', { flags, folder, who }, call.signal),
      holder.call('wake', { id: record.id }, call.signal),
    ]).catch((error: unknown) => {
      // What was opened for this command alone is of no use to others.
      if (isNew) void this.#close(record)
      throw error
    })
    const { address, port } = this.#records.get(record.id) ?? record
    if (address === undefined || port === undefined) return { isThere: false }
    // An address that stands for all is none to connect to.
    const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
    const server = `https://${formatHostPort(host, port)}`
    const files = { state: this.#options.state, installation, who, server, facts }
    const kubeconfig = writeClusterFiles(files, { ...flags, installation })
    const { token, ...cluster } = facts
    const access = { ...cluster, server }
    return { isThere: true, isNew, installation, kubeconfig, tunnel: record.id, access, token }
  }

  // ── what there is ────────────────────────────────────────────────────────────────────────────────────────────────

  async #stop(request: SelectRequest): Promise<TunnelRecord[]> {
    const meant = select([...this.#records.values()], request)
    await Promise.all(meant.filter(isLive).map((record) => this.#close(record)))
    for (const { id } of meant) this.#records.delete(id)
    return meant
  }

  async #close({ id }: TunnelRecord): Promise<void> {
    await this.#opening.get(id)?.catch(() => {})
    await this.#holderOf.get(id)?.call('close', { id, within: DRAIN })
  }

  async #attach(request: SelectRequest, call: ControlCall): Promise<object> {
    const meant = select(this.#live(), request)
    const left = new Set(meant.map(({ id }) => id))
    const done = Promise.withResolvers<void>()
    for (const record of meant) call.event({ record })
    using _held = this.#hold(meant)
    const unwatch = this.#watch((logged) => {
      if (!left.has(logged.tunnel)) return
      call.event({ logged })
      if (logged.event.event === 'ended') left.delete(logged.tunnel)
      if (left.size === 0) done.resolve()
    })
    call.signal.addEventListener('abort', () => done.resolve(), { once: true })
    if (left.size > 0) await done.promise
    unwatch()
    return { ended: meant.length }
  }

  #onEvent(id: number, event: TunnelEvent): void {
    const before = this.#records.get(id)
    if (before === undefined) return
    const record = afterEvent(before, event)
    this.#records.set(id, record)
    this.#writeDown(record, event)
    const logged = this.#entry(record, event)
    if (event.event !== 'connection-opened') appendLog(this.#options.place, logged)
    for (const watcher of this.#watchers) watcher(logged)
    if (record.implicit) this.#watchSleep(record)
    if (record.state !== 'ended') return
    this.#holderOf.delete(id)
    this.#asleep.get(id)?.()
    // One that was stopped is no news; one that has failed stays to be seen.
    if (record.cause?.code === 'closed') this.#records.delete(id)
    this.#endIfIdle()
  }

  #entry({ id, installation }: TunnelRecord, event: TunnelEvent): LoggedEvent {
    const at = new Date(this.#options.clock.now().wall).toISOString()
    return { seq: ++this.#seq, at, tunnel: id, installation, event }
  }

  #writeDown({ id, installation, target }: TunnelRecord, event: TunnelEvent): void {
    const at = this.#options.clock.now().wall
    if (event.event === 'ready') appendJournal(this.#options.place, { opened: id, target, installation, at })
    if (event.event === 'ended') appendJournal(this.#options.place, { ended: id, cause: event.cause, at })
  }

  /** A tunnel that is gone without a word of its own. */
  #forget(id: number, cause: Cause): void {
    const record = this.#records.get(id)
    if (record === undefined || record.state === 'ended') return
    this.#onEvent(id, { event: 'ended', target: record.target, cause })
  }

  /** One that commands share is now somebody's own. */
  #keep(id: number): void {
    const record = this.#records.get(id)
    if (record === undefined) return
    this.#records.set(id, { ...record, implicit: false })
    this.#asleep.get(id)?.()
    this.#asleep.delete(id)
  }

  /** Whoever follows a tunnel wants it to stay. */
  #hold(records: readonly TunnelRecord[]): Disposable {
    for (const { id } of records) this.#holds.set(id, (this.#holds.get(id) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        for (const { id } of records) {
          const left = (this.#holds.get(id) ?? 1) - 1
          if (left > 0) this.#holds.set(id, left)
          else this.#holds.delete(id)
          const record = this.#records.get(id)
          if (record?.implicit) this.#watchSleep(record)
        }
      },
    }
  }

  /** A tunnel that nobody has asked for by name is gone when it has slept for long, and nobody holds it. */
  #watchSleep({ id, state }: TunnelRecord): void {
    this.#asleep.get(id)?.()
    this.#asleep.delete(id)
    if (state !== 'asleep' || this.#holds.has(id)) return
    const { clock } = this.#options
    const close = () => {
      const record = this.#records.get(id)
      if (record?.state === 'asleep' && !this.#holds.has(id)) void this.#close(record)
    }
    this.#asleep.set(id, clock.after(IMPLICIT_SLEEP, close))
  }

  #watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #live(): TunnelRecord[] {
    return [...this.#records.values()].filter(isLive)
  }

  async #counted<T>(action: () => Promise<T>): Promise<T> {
    this.#asking++
    try {
      return await action()
    } finally {
      this.#asking--
      // The answer is written first.
      setImmediate(() => this.#endIfIdle())
    }
  }

  #endIfIdle(): void {
    if (this.#asking === 0 && this.#live().length === 0) this.#over.resolve()
  }
}

function isLive({ state }: TunnelRecord): boolean {
  return state !== 'ended'
}

/** As it was typed: an instance is a word of its own. */
function wordsOf(word: TargetWord): string[] {
  const text = formatTargetWord(word)
  return word.kind === 'host' && word.instance !== undefined ? [word.instance, text] : [text]
}
