import type { Duplex } from 'node:stream'
import type { Clock, Ms } from '#core/clock.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { KubeClient } from '#core/kube/client.ts'
import type { ClusterCredentials } from '#core/kube/credentials.ts'
import { openPortForward } from '#core/kube/port-forward.ts'
import { untilAborted } from '#core/tunnel/abortable.ts'
import { openClusterAccess, type TunnelledAccess } from '#core/tunnel/cluster-access.ts'
import type { Dialer, DialerEvent } from '#core/tunnel/dialer.ts'
import { EventChannel } from '#core/tunnel/event-source.ts'
import { findServicePod } from '#core/tunnel/io/find-service-pod.ts'
import type { Listen } from '#core/tunnel/listener.ts'
import type { ServiceStep } from '#core/tunnel/routes.ts'
import type { ServicePod } from '#core/tunnel/service-pod.ts'

export interface ClusterDialerOptions {
  /** The way to the cluster's API; the new dialer disposes it. */
  readonly api: Dialer
  readonly credentials: ClusterCredentials
  readonly service: ServiceStep
  readonly listen: Listen
  readonly clock: Clock
}

/**
 * The *cluster* route: each connection is a Kubernetes port-forward to a pod of a Service, through a direct tunnel
 * to the cluster's API.
 *
 * ```
 *   Duplex ⇄ WebSocket over TLS ⇄ private loopback port ⇄ connection of the session to the API ⇄ API ⇄ pod
 * ```
 *
 * One pod serves all connections until one of them shows that it is gone; the next connection then goes to another.
 */
export class ClusterDialer implements Dialer {
  readonly route = 'cluster'
  readonly halfClose = false
  readonly events = new EventChannel<DialerEvent>()
  readonly #options: ClusterDialerOptions
  readonly #access: TunnelledAccess
  readonly #client: KubeClient
  readonly #streams = new Set<Duplex>()
  readonly #over = new AbortController()
  readonly #unsubscribe: () => void
  #choosing: Promise<ServicePod> | undefined
  #chosen: ServicePod | undefined
  #failed: string | undefined
  #failure: PgctlError | undefined

  private constructor(options: ClusterDialerOptions, access: TunnelledAccess) {
    this.#options = options
    this.#access = access
    this.#client = new KubeClient(access, options.clock)
    this.#unsubscribe = options.api.events.subscribe((event) => this.#onApiEvent(event))
  }

  /**
   * Opens the route and chooses the first pod, so that a Service that is not there is known before anyone connects.
   * When it fails, `api` is disposed.
   * @throws PgctlError of {@link findServicePod}.
   */
  static async open(options: ClusterDialerOptions, signal?: AbortSignal): Promise<ClusterDialer> {
    await using cleanUp = new AsyncDisposableStack()
    cleanUp.use(options.api)
    const access = await openClusterAccess(options.api, options.credentials, options, signal)
    cleanUp.use(access)
    const dialer = new ClusterDialer(options, access)
    cleanUp.use(dialer)
    await untilAborted(dialer.#pod(), signal)
    cleanUp.move()
    return dialer
  }

  /** A pod that is gone is found out by connecting to it: then another is chosen, once. */
  async connect(signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted()
    const pod = await untilAborted(this.#pod(), signal)
    try {
      return await this.#forward(pod, signal)
    } catch (error) {
      if (!isGone(error)) throw error
      this.#forget(pod)
      return await this.#forward(await untilAborted(this.#pod(), signal), signal)
    }
  }

  roundTrip(): Ms | undefined {
    return this.#options.api.roundTrip()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe()
    this.#end(new PgctlError('session-ended', 'the tunnel to the cluster was closed'))
    await this.#client[Symbol.asyncDispose]()
    await this.#access[Symbol.asyncDispose]()
    await this.#options.api[Symbol.asyncDispose]()
  }

  async #forward(pod: ServicePod, signal: AbortSignal | undefined): Promise<Duplex> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      const stream = await openPortForward(this.#access, pod, signal, this.#options.clock)
      return this.#keep(stream, pod)
    } catch (error) {
      throw this.#failure ?? this.#access.explain(error)
    }
  }

  #keep(stream: Duplex, pod: ServicePod): Duplex {
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    stream.once('error', (error) => {
      if (isGone(error)) this.#forget(pod)
    })
    if (this.#failure !== undefined) stream.destroy(this.#failure)
    return stream
  }

  /** The pod of now; those who ask at once wait for one answer. */
  #pod(): Promise<ServicePod> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#choosing ??= this.#choose()
    return this.#choosing
  }

  async #choose(): Promise<ServicePod> {
    try {
      this.#chosen = await findServicePod(
        this.#client,
        this.#options.service,
        this.#failed,
        this.#over.signal,
      )
      return this.#chosen
    } catch (error) {
      this.#choosing = undefined
      throw this.#failure ?? this.#access.explain(error)
    }
  }

  /** An old connection may tell late of a pod that is no longer the chosen one. */
  #forget(pod: ServicePod): void {
    if (pod !== this.#chosen) return
    this.#failed = pod.pod
    this.#choosing = undefined
  }

  #onApiEvent(event: DialerEvent): void {
    if (event.event === 'ended') this.#end(event.error)
    this.events.emit(event)
  }

  #end(error: PgctlError): void {
    this.#failure ??= error
    this.#over.abort(error)
    for (const stream of this.#streams) stream.destroy(this.#failure)
  }
}

/** Errors that a pod of this Service other than the one that was tried might not give. */
function isGone(error: unknown): boolean {
  return isPgctlError(error, 'target-unknown') || isPgctlError(error, 'far-end-refused')
}
