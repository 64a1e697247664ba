import type { Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { carriedEnvironment, whoOf } from '#core/tunnel/control/carried.ts'
import type { ControlPlace } from '#core/tunnel/control/io/place.ts'
import { appendJournal, beginJournal, clearLog, type LoggedEvent } from '#core/tunnel/control/io/records.ts'
import { type ControlCall, type ControlServer, serveControl } from '#core/tunnel/control/io/server.ts'
import type { FormerLife } from '#core/tunnel/control/journal.ts'
import {
  type ClusterRequest,
  type DatastoreRequest,
  type OpenRequest,
  parseRequest,
  type SelectRequest,
} from '#core/tunnel/control/requests.ts'
import { placeOf, readyEventOf, select, type TunnelRecord } from '#core/tunnel/control/roster.ts'
import type { Cause } from '#core/tunnel/events.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
import { formatTargetWord, parseTargets, type TargetWord } from '#core/tunnel/target.ts'
import { chooseInstallation } from '../config.ts'
import { loadConfig } from '../load-config.ts'
import { standsAlone } from '../tunnel-goal.ts'
import { writeClusterFiles } from './cluster-files.ts'
import { type DatastoreAnswer, SharedDatastores } from './datastores.ts'
import type { ClusterFacts } from './messages.ts'
import { BackgroundTunnels, type TunnelsOptions } from './tunnels.ts'

/** How long a supervisor that nobody asks for anything waits for the command that has started it. */
const FIRST_PATIENCE: Ms = 10_000

export interface SupervisorOptions extends Pick<TunnelsOptions, 'startHolder'> {
  readonly place: ControlPlace
  /** The folder of state, for what programs of the cluster are given. */
  readonly state: string
  readonly version: string
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

/** Answers whoever asks for background tunnels of one user, and ends with the last of them. */
export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions
  readonly #tunnels: BackgroundTunnels
  readonly #datastores: SharedDatastores
  readonly #over = Promise.withResolvers<void>()
  #former: FormerLife | undefined
  #server: ControlServer | undefined
  /** Requests that are being answered, and may open something. */
  #asking = 0
  #cancelPatience = () => {}

  private constructor(options: SupervisorOptions) {
    this.#options = options
    const { place, clock, startHolder } = options
    this.#tunnels = new BackgroundTunnels({ place, clock, startHolder, onGone: () => this.#endIfIdle() })
    this.#datastores = new SharedDatastores(this.#tunnels, clock)
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
    await this.#tunnels.end()
    appendJournal(place, { over: true, at: clock.now().wall })
    await closed
  }

  async #answer(call: ControlCall): Promise<object> {
    const request = parseRequest(call.request)
    switch (request.request) {
      case 'list': {
        const { version } = this.#options
        return { version, pid: process.pid, tunnels: this.#tunnels.all(), former: this.#former }
      }
      case 'stop':
        return this.#counted(async () => ({ stopped: await this.#stop(request) }))
      case 'attach':
        return this.#attach(request, call)
      case 'open':
        return this.#counted(() => this.#open(request, call))
      case 'cluster':
        return this.#counted(() => this.#cluster(request, call))
      case 'datastore':
        return this.#counted(() => this.#datastore(request, call))
    }
  }

  async #open(request: OpenRequest, call: ControlCall): Promise<OpenResult> {
    const words = parseTargets(request.words)
    const { installation, who, environment } = whose(request, words)
    const { reason } = request
    const fresh: TunnelRecord[] = []
    const known: number[] = []
    const ids = words.map((target) => {
      const word = wordsOf(target).join(' ')
      const same = this.#tunnels.findSame({ installation, word, who })
      if (same !== undefined && (!request.port || request.port === same.port)) {
        known.push(same.id)
        this.#tunnels.keep(same.id)
        return same.id
      }
      const lazy = request.idleMs !== undefined
      const record = this.#tunnels.add({ installation, word, who, lazy, reason, implicit: false })
      fresh.push(record)
      return record.id
    })
    await this.#showKnown(known, call)
    const asked = { ...request, words: fresh.flatMap(({ word }) => word.split(' ')) }
    const opening = { ids: fresh.map(({ id }) => id), environment, ...followedBy(call) }
    const failures = fresh.length === 0 ? [] : await this.#tunnels.open(asked, opening)
    const former = this.#former
    this.#former = undefined
    const tunnels = ids.flatMap((id) => this.#tunnels.get(id) ?? []).filter(({ state }) => state !== 'ended')
    return { tunnels, failures, former }
  }

  /** Tunnels that are there already, or will be in a moment. */
  async #showKnown(ids: readonly number[], call: ControlCall): Promise<void> {
    await this.#tunnels.opened(ids)
    for (const record of ids.flatMap((id) => this.#tunnels.get(id) ?? [])) {
      const ready = readyEventOf(record)
      if (ready !== undefined) call.event({ logged: this.#tunnels.entry(record, ready) })
    }
  }

  async #cluster(request: ClusterRequest, call: ControlCall): Promise<ClusterWay> {
    const { flags, folder } = request
    const asker = whose(request, CLUSTER)
    const { installation = '', who, background } = asker
    if (background === 'off' && !request.open) return { isThere: false }
    const there = this.#tunnels.findSame({ installation, word: 'cluster', who })
    const known = request.port === undefined || request.port === there?.port ? there : undefined
    if (known === undefined && !request.open) return { isThere: false }
    const id = known?.id ?? (await this.#openCluster(request, asker, call))
    await this.#tunnels.opened([id])
    if (request.stays) this.#tunnels.keep(id)
    const holder = this.#tunnels.holderOf(id)
    if (holder === undefined) return { isThere: false }
    const [facts] = await Promise.all([
      holder.call('cluster', { flags, folder, who }, call.signal),
      holder.call('wake', { id }, call.signal),
    ]).catch((error: unknown) => {
      // What was opened for this command alone is of no use to others.
      if (known === undefined) void this.#tunnels.close(id)
      throw error
    })
    const server = serverOf(this.#tunnels.get(id))
    if (server === undefined) return { isThere: false }
    const files = { state: this.#options.state, installation, who, server, facts }
    const kubeconfig = writeClusterFiles(files, { ...flags, installation })
    const { token, ...cluster } = facts
    const isNew = known === undefined
    return {
      isThere: true,
      isNew,
      installation,
      kubeconfig,
      tunnel: id,
      access: { ...cluster, server },
      token,
    }
  }

  async #openCluster(
    { idleMs, port, stays, flags, folder }: Omit<ClusterRequest, 'request' | 'environment' | 'open'>,
    { installation, who, environment }: ReturnType<typeof whose>,
    call: ControlCall,
  ): Promise<number> {
    const { id } = this.#tunnels.add({
      ...{ installation, word: 'cluster', who, lazy: true, reason: undefined },
      implicit: stays !== true,
    })
    const asked = { words: ['cluster'], idleMs, port, flags, folder, environment }
    await this.#tunnels.open({ request: 'open', ...asked }, { ids: [id], environment, ...followedBy(call) })
    return id
  }

  async #datastore(request: DatastoreRequest, call: ControlCall): Promise<DatastoreAnswer> {
    const asker = whose(request, DATASTORE)
    const { installation = '', who, background } = asker
    if (background === 'off' && !request.open) return { isThere: false }
    const reachCluster = () => this.#reachCluster(request, asker, call)
    const hasCluster = () => this.#tunnels.findSame({ installation, word: 'cluster', who }) !== undefined
    const cluster = { hasCluster, reachCluster }
    return this.#datastores.enter(request, { ...asker, installation, ...cluster, ...followedBy(call) })
  }

  /** Where the way to the cluster listens that all share; opened where it is not there. */
  async #reachCluster(
    request: DatastoreRequest,
    asker: ReturnType<typeof whose>,
    call: ControlCall,
  ): Promise<string> {
    const { installation, who } = asker
    const known = this.#tunnels.findSame({ installation, word: 'cluster', who })
    const id = known?.id ?? (await this.#openCluster(request, asker, call))
    await this.#tunnels.opened([id])
    try {
      await this.#tunnels.holderOf(id)?.call('wake', { id }, call.signal)
    } catch (error) {
      if (known === undefined) void this.#tunnels.close(id)
      throw error
    }
    const server = serverOf(this.#tunnels.get(id))
    if (server === undefined)
      throw new PgctlError('session-ended', 'the tunnel to the cluster has ended just now')
    return server
  }

  async #stop(request: SelectRequest): Promise<TunnelRecord[]> {
    const meant = select(this.#tunnels.all(), request)
    await Promise.all(meant.map(({ id }) => this.#tunnels.close(id)))
    for (const { id } of meant) this.#tunnels.remove(id)
    return meant
  }

  async #attach(request: SelectRequest, call: ControlCall): Promise<object> {
    const meant = select(this.#tunnels.live(), request)
    const left = new Set(meant.map(({ id }) => id))
    const done = Promise.withResolvers<void>()
    for (const record of meant) call.event({ record })
    using _held = this.#tunnels.hold(meant)
    const unwatch = this.#tunnels.watch((logged) => {
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
    if (this.#asking === 0 && this.#tunnels.live().length === 0) this.#over.resolve()
  }
}

const CLUSTER: readonly TargetWord[] = [{ kind: 'name', name: 'cluster' }]
/** Of an installation, whichever it is. */
const DATASTORE: readonly TargetWord[] = [{ kind: 'name', name: 'postgres' }]

/** By whose credentials and which configuration the words are meant. */
function whose(
  { flags, folder, environment }: Pick<OpenRequest, 'flags' | 'folder' | 'environment'>,
  words: readonly TargetWord[],
) {
  const carried = { ...carriedEnvironment(environment) }
  if (flags.region !== undefined) carried['PGCTL_REGION'] = flags.region
  if (flags.profile !== undefined) carried['PGCTL_PROFILE'] = flags.profile
  const isAlone = words.every(standsAlone) && flags.installation === undefined
  const config = loadConfig({ flags, environment: carried, folder })
  const found = isAlone ? undefined : chooseInstallation(config)
  const { background, ca } = config.settings
  const settings = { background: background.value, ca: ca.value }
  return { installation: found?.name, who: whoOf(carried, found), environment: carried, ...settings }
}

function followedBy(call: ControlCall) {
  return { signal: call.signal, watcher: (logged: LoggedEvent) => call.event({ logged }) }
}

function serverOf(record: TunnelRecord | undefined): string | undefined {
  const place = placeOf(record)
  return place && `https://${formatHostPort(place.address, place.port)}`
}

/** As it was typed: an instance is a word of its own. */
function wordsOf(word: TargetWord): string[] {
  const text = formatTargetWord(word)
  return word.kind === 'host' && word.instance !== undefined ? [word.instance, text] : [text]
}
