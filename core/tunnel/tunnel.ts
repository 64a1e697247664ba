import type { Duplex } from 'node:stream'
import type { Clock, Ms, RandomBytes } from '#core/clock.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import type { SessionLimits } from '#core/ssm/session-api.ts'
import type { Store } from '#core/store.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import {
  causeOf,
  type Happening,
  type RemarkSubject,
  type TunnelEvent,
  type TunnelHappening,
} from '#core/tunnel/events.ts'
import {
  describeDialerEvent,
  describeEnd,
  describeListening,
  describeReady,
} from '#core/tunnel/happenings.ts'
import type { Listen, LocalListener, OpenConnection } from '#core/tunnel/listener.ts'
import { planLocalPort } from '#core/tunnel/local-port.ts'
import { readSavedPort, savePort } from '#core/tunnel/port-assignments.ts'
import { type Probe, type ProbeResult, planProbe, probeFailure } from '#core/tunnel/probe.ts'
import type { Target } from '#core/tunnel/resolve-target.ts'
import type { RoutePlan } from '#core/tunnel/routes.ts'
import { watchSessionEnds } from '#core/tunnel/session-watch.ts'

export interface TunnelOptions {
  readonly target: Target
  readonly plan: Pick<RoutePlan, 'route' | 'why' | 'parameters'>
  /** What the local port is derived from; the instance's id where there is no installation. */
  readonly workspace: string
  /** `--port`: 0 for any free one. */
  readonly port?: number | undefined
  /** `--bind`: one address instead of both loopbacks. */
  readonly bind?: string | undefined
  /** Whether `dial` gives a way that opens on demand: then it is ready when it listens, and nothing is probed. */
  readonly lazy?: boolean | undefined
  /** Opens the route; called once, after the local port is taken. */
  readonly dial: (signal: AbortSignal) => Promise<Dialer>
  /** What every local connection passes; without one the tunnel is a plain pipe. */
  readonly front?: Front | undefined
  readonly report: (event: TunnelEvent) => void
  /** Gives up opening; a tunnel that is open is closed by `close`. */
  readonly signal?: AbortSignal | undefined
  readonly shell: TunnelShell
}

/**
 * Stands between the local clients and the far end, and knows what they speak. It takes a connection to the far end
 * and gives the stream that a client is joined to; from then on the one ends with the other.
 */
export interface Front {
  /** The name in the URL of the tunnel, instead of an address. */
  readonly host?: string | undefined
  /** @throws PgctlError when the connection cannot be used; it is destroyed then. */
  pass(far: Duplex, signal: AbortSignal): Duplex | Promise<Duplex>
}

/** What a tunnel needs of the computer that it runs on; the same for every tunnel of a process. */
export interface TunnelShell {
  readonly listen: Listen
  readonly probe: (
    stream: Duplex,
    probe: Probe,
    context: { clock: Clock; signal: AbortSignal },
  ) => Promise<ProbeResult>
  readonly clock: Clock
  readonly random: RandomBytes
  /** Remembers local ports. */
  readonly store: Store
}

/** A tunnel that is ready. Disposal cuts its connections. */
export interface Tunnel extends AsyncDisposable {
  readonly ready: Happening<'ready'>
  connections(): readonly OpenConnection[]
  /** Resolves when the tunnel is gone: with the error that ended it, or undefined when it was closed. Never rejects. */
  readonly ended: Promise<PgctlError | undefined>
  /** Accepts no more, lets open connections end for at most `within` ms, and then closes the route. */
  close(within: Ms): Promise<void>
}

/**
 * Opens a tunnel: takes the local port, opens the route, and is ready when a byte has gone to the far end and back.
 * Everything that happens is reported, from `starting` to `ended`. When it fails, nothing stays open.
 * @throws PgctlError that was reported as the cause of `ended`; the signal's reason once that aborts.
 */
export async function openTunnel(options: TunnelOptions): Promise<Tunnel> {
  options.signal?.throwIfAborted()
  const life = new TunnelLife(options)
  try {
    await life.open()
  } catch (error) {
    await life.end(error)
    throw error
  }
  return life
}

class TunnelLife implements Tunnel {
  readonly #options: TunnelOptions
  readonly #dialing = Promise.withResolvers<Dialer>()
  readonly #gone = Promise.withResolvers<PgctlError | undefined>()
  #listener: LocalListener | undefined
  #dialer: Dialer | undefined
  /** Where people expect the target; undefined where a port was asked for. */
  #home: number | undefined
  /** Not where the saved ports could not be read: that is told once. */
  #savesPort = true
  #ready: Happening<'ready'> | undefined
  #unsubscribe = () => {}
  #stopWatching = () => {}
  #ending: Promise<void> | undefined

  constructor(options: TunnelOptions) {
    this.#options = options
    // Where no connection waits for it, a failure to dial is told by `open` alone.
    this.#dialing.promise.catch(() => {})
  }

  get ready(): Happening<'ready'> {
    if (this.#ready === undefined) throw new TypeError('a tunnel is handed out when it is ready')
    return this.#ready
  }

  get ended(): Promise<PgctlError | undefined> {
    return this.#gone.promise
  }

  connections(): readonly OpenConnection[] {
    return this.#listener?.connections() ?? []
  }

  async open(): Promise<void> {
    const { target, plan, dial, front, signal = new AbortController().signal } = this.#options
    this.#report({ event: 'starting', route: plan.route, why: plan.why })
    const listener = await this.#listen()
    signal.throwIfAborted()
    this.#dialer = await dial(signal)
    this.#unsubscribe = this.#dialer.events.subscribe((event) => this.#onDialerEvent(event))
    this.#dialing.resolve(this.#dialer)
    if (this.#options.lazy) {
      this.#ready = describeListening(target, plan.route, { ...placeOf(listener), host: front?.host })
      this.#report(this.#ready)
    } else {
      const result = await this.#probe(this.#dialer, signal)
      this.#ready = describeReady(target, plan.route, { ...placeOf(listener), host: front?.host }, result)
      this.#report(this.#ready)
      if (result.result === 'answered' && result.concern !== undefined)
        this.#report({ event: 'degraded', message: result.concern })
    }
    await this.#rememberPort(listener.port)
  }

  async close(within: Ms): Promise<void> {
    await this.#listener?.close(within)
    await this.end(undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end(undefined)
  }

  /** Takes everything down and reports the end, once; `error` is the cause, undefined for a wish. */
  end(error: unknown): Promise<void> {
    this.#ending ??= this.#takeDown(error)
    return this.#ending
  }

  async #takeDown(error: unknown): Promise<void> {
    const failure = error === undefined ? undefined : asPgctlError(error, this.#options.signal)
    const closed = failure ?? new PgctlError('interrupted', 'the tunnel was closed')
    this.#stopWatching()
    this.#dialing.reject(closed)
    await this.#listener?.abort(closed)
    try {
      await this.#dialer?.[Symbol.asyncDispose]()
    } catch (disposal) {
      this.#warnOf('route', disposal)
    }
    this.#unsubscribe()
    this.#report({
      event: 'ended',
      cause: failure ? causeOf(failure) : { code: 'closed', message: closed.message },
    })
    this.#gone.resolve(failure)
  }

  async #listen(): Promise<LocalListener> {
    const { shell, workspace, target, port, bind } = this.#options
    const plan = planLocalPort({
      workspace,
      target: target.name,
      asked: port,
      saved: await this.#readSavedPort(),
    })
    if (plan.kind === 'preferred') this.#home = plan.home
    this.#listener = await shell.listen({
      plan,
      bind,
      clock: shell.clock,
      connect: (signal) => this.#connect(signal),
      report: (happening) => this.#report(happening),
    })
    return this.#listener
  }

  async #connect(signal: AbortSignal): Promise<Duplex> {
    const far = await (await this.#dialing.promise).connect(signal)
    return (await this.#options.front?.pass(far, signal)) ?? far
  }

  async #probe(dialer: Dialer, signal: AbortSignal): Promise<ProbeResult> {
    const { target, plan, shell } = this.#options
    const probe = planProbe(target, {
      clusterHost: plan.parameters['host']?.[0],
      roundTrip: dialer.roundTrip(),
      random: shell.random,
    })
    const stream = await dialer.connect(signal)
    const result = await shell.probe(stream, probe, { clock: shell.clock, signal })
    // A route that has ended meanwhile says more than the connection that it cut.
    if (this.#ending !== undefined) throw await this.ended
    const failure = probeFailure(target, probe, result)
    if (failure !== undefined) throw failure
    return result
  }

  /** Saved ports are a convenience: where they cannot be read, the derived port serves as well. */
  async #readSavedPort(): Promise<number | undefined> {
    const { shell, workspace, target, port } = this.#options
    if (port !== undefined) return undefined
    try {
      return await readSavedPort(shell.store, workspace, target.name)
    } catch (error) {
      this.#savesPort = false
      this.#warnOf('port-not-read', error)
      return undefined
    }
  }

  /** Only the port at home: one that was moved makes way for a neighbour of the moment, and is nobody's to expect. */
  async #rememberPort(port: number): Promise<void> {
    const { shell, workspace, target } = this.#options
    if (!this.#savesPort || port !== this.#home) return
    try {
      await savePort(shell.store, workspace, target.name, port)
    } catch (error) {
      this.#warnOf('port-not-saved', error)
    }
  }

  #warnOf(about: RemarkSubject, error: unknown): void {
    const { message, next } = causeOf(error)
    this.#report({ event: 'warning', about, message, next })
  }

  #onDialerEvent(event: DialerEvent): void {
    if (event.event === 'ended') void this.end(event.error)
    else this.#report(describeDialerEvent(event, this.#options.shell.clock.now()))
    if (event.event === 'session') this.#watchLimits(event.limits)
    if (event.event === 'asleep') this.#stopWatching()
  }

  /** Of several sessions the latest one carries the connections. */
  #watchLimits(limits: SessionLimits | undefined): void {
    this.#stopWatching()
    if (limits === undefined) return
    this.#stopWatching = watchSessionEnds({
      limits,
      clock: this.#options.shell.clock,
      lastActivity: () => this.#listener?.lastActivity(),
      tell: (end) => this.#report(describeEnd(end)),
    })
  }

  #report(happening: TunnelHappening): void {
    const { event, ...fields } = happening
    this.#options.report({ event, target: this.#options.target.name, ...fields } as TunnelEvent)
  }
}

function placeOf({ address, port, addresses }: LocalListener) {
  return { address, port, addresses }
}

/** A signal's plain reason is somebody's wish to stop, not a bug. */
function asPgctlError(error: unknown, signal: AbortSignal | undefined): PgctlError {
  if (isPgctlError(error)) return error
  if (signal?.aborted && error === signal.reason)
    return new PgctlError('interrupted', 'the tunnel was given up before it was ready', { cause: error })
  return new PgctlError('internal', messageOf(error), { cause: error })
}
