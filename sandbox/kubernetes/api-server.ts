/** The cluster's API on loopback: TLS, bearer tokens, and Kubernetes' own words on the wire. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock, Ms } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import {
  type RunningService,
  refuseUpgrade,
  sendJson,
  startHttpService,
  urlOf,
} from '#sandbox/services/http-service.ts'
import { WORLD, type WorldPorts } from '#sandbox/world.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { isAccessReview, reviewAccess } from './access-review.ts'
import type { KubernetesUser } from './authorizer.ts'
import { bearerOfProtocols, ChannelSocket, negotiateProtocol } from './channel-socket.ts'
import { Cluster } from './cluster.ts'
import { getObject, Lists } from './collections.ts'
import { type Collection, collectionOf, discoveryOf } from './discovery.ts'
import { execOptionsOf, serveExec } from './exec.ts'
import { Disturbances, type Failure, faultsOf, type KubernetesFaults } from './faults.ts'
import { LogStream, logOptionsOf, runOf } from './log-endpoint.ts'
import { seededChance } from './log-lines.ts'
import { startWriting, writeHistory } from './log-writer.ts'
import { patchObject } from './patch.ts'
import { isRunning, type Pod, phaseOf } from './pods.ts'
import { forwardedPortsOf, servePortForward } from './port-forward.ts'
import { type Attributes, attributesOf } from './request-info.ts'
import {
  ApiFailure,
  badRequest,
  forbidden,
  methodNotAllowed,
  notFound,
  unauthorized,
  unknownResource,
} from './status.ts'
import { serveWatch } from './watch.ts'

export interface KubernetesOptions {
  /** Whose cluster it is; the first installation's unless told. */
  readonly world?: World
  /** The certificate chain and the key of the API server, PEM; a client checks it against the cluster's real name. */
  readonly certificate: string
  readonly key: string
  /** Whose token it is; undefined for one that is not good (any more). */
  readonly authenticate: (token: string) => Promise<KubernetesUser | undefined>
  /** Whether a user may; a text is a no with its reason. Everyone may everything unless told otherwise. */
  readonly authorize?: (user: KubernetesUser, asked: Attributes) => boolean | string
  /** Where the pods' ports really are; asked at each port-forward, as not all may have started yet. */
  readonly ports: WorldPorts | (() => WorldPorts)
  readonly port?: number
  readonly clock?: Clock
  /** How long until the next line of some container, on average, 0 for no lines by themselves; 300 ms. */
  readonly lineInterval?: Ms
  /** The seed of the lines' content. */
  readonly seed?: number
}

/** A request that came, without anything secret. */
export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly user: string | undefined
  readonly upgrade: string | undefined
}

export interface SandboxKubernetes extends RunningService {
  readonly cluster: Cluster
  readonly faults: KubernetesFaults
  /** The newest thousand requests, oldest first. */
  readonly requests: readonly RecordedRequest[]
}

const DEFAULT_LINE_INTERVAL: Ms = 300
const REQUESTS_KEPT = 1000

/** Starts the API server. Rejects with the listen error when `port` is taken. */
export async function startKubernetes(options: KubernetesOptions): Promise<SandboxKubernetes> {
  const clock = options.clock ?? systemClock
  const chance = seededChance(options.seed ?? 1)
  const cluster = new Cluster(clock, options.world)
  writeHistory(cluster, clock.now().wall, chance)
  const server = new ApiServer(options, cluster, clock)
  const service = await startHttpService({
    port: options.port,
    tls: { certificate: options.certificate, key: options.key },
    handle: (request, response) => server.handle(request, response),
    upgrade: (request, socket, head) => void server.upgrade(request, socket, head),
  })
  const interval = options.lineInterval ?? DEFAULT_LINE_INTERVAL
  const stopWriting = interval > 0 ? startWriting(cluster, clock, interval, chance) : () => {}
  return {
    port: service.port,
    cluster,
    faults: faultsOf(cluster, server.disturbances),
    requests: server.requests,
    async [Symbol.asyncDispose]() {
      stopWriting()
      await service[Symbol.asyncDispose]()
    },
  }
}

class ApiServer {
  readonly disturbances = new Disturbances()
  readonly requests: RecordedRequest[] = []
  readonly #options: KubernetesOptions
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #lists: Lists

  constructor(options: KubernetesOptions, cluster: Cluster, clock: Clock) {
    this.#options = options
    this.#cluster = cluster
    this.#clock = clock
    this.#lists = new Lists(cluster.objects)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('audit-id', randomUUID())
    const failure = this.disturbances.takeFailure(urlOf(request).pathname)
    try {
      if (failure) return sendFailure(response, failure)
      const asked = await this.#admit(request)
      if (isAccessReview(asked)) sendJson(response, 201, await this.#review(request))
      else if (asked.verb === 'patch') sendJson(response, 200, await this.#patch(asked, request))
      else if (asked.verb === 'delete') sendJson(response, 200, this.#delete(asked))
      else this.#answer(asked, request, response)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      sendJson(response, error.body.code, error.body, { 'cache-control': 'no-cache, private' })
    }
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const failure = this.disturbances.takeFailure(urlOf(request).pathname)
    try {
      if (failure) throw failureStatus(failure)
      const asked = await this.#admit(request)
      if (!socket.destroyed) this.#openChannels(asked, request, socket, head)
    } catch (error) {
      if (!(error instanceof ApiFailure)) socket.destroy()
      else refuseUpgrade(socket, error.body.code, error.body)
    }
  }

  /** Checks token and rights. Throws a 401 or 403. */
  async #admit(request: IncomingMessage): Promise<Attributes> {
    const url = urlOf(request)
    const token = tokenOf(request)
    const user = token === undefined ? undefined : await this.#options.authenticate(token)
    this.#record(request, url, user)
    if (user === undefined) throw unauthorized()
    const asked = attributesOf(request.method ?? 'GET', url)
    this.#authorize(user, asked)
    // Since 1.35, a WebSocket into a pod needs the right to create, though its request is a GET.
    if (request.headers.upgrade !== undefined && asked.subresource !== undefined && asked.verb === 'get')
      this.#authorize(user, { ...asked, verb: 'create' })
    return asked
  }

  /** Judges for whoever asks; they are known by now. */
  async #review(request: IncomingMessage): Promise<object> {
    const user = await this.#options.authenticate(tokenOf(request) ?? '')
    if (user === undefined) throw unauthorized()
    return reviewAccess(request, (asked) => this.#options.authorize?.(user, asked) ?? true)
  }

  #authorize(user: KubernetesUser, asked: Attributes): void {
    const answer = this.#options.authorize?.(user, asked) ?? true
    if (answer !== true) throw forbidden(user.user, asked, answer === false ? undefined : answer)
  }

  #record(request: IncomingMessage, url: URL, user: KubernetesUser | undefined): void {
    this.requests.push({
      method: request.method ?? '',
      path: url.pathname,
      query: url.search.slice(1),
      user: user?.user,
      upgrade: request.headers.upgrade,
    })
    if (this.requests.length > REQUESTS_KEPT) this.requests.shift()
  }

  #answer(asked: Attributes, request: IncomingMessage, response: ServerResponse): void {
    const query = urlOf(request).searchParams
    const collection = collectionOf(asked.group, asked.version, asked.resource ?? '')
    if (asked.resource === undefined) sendDiscovery(asked.path, this.#options.world ?? WORLD, response)
    else if (collection === undefined) throw unknownResource()
    else if (asked.subresource !== undefined) this.#answerSubresource(asked, query, response)
    else this.#answerCollection(collection, asked, query, response)
  }

  #answerCollection(
    collection: Collection,
    asked: Attributes,
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
    const namespace = asked.resource === 'namespaces' ? undefined : asked.namespace
    const { objects: store } = this.#cluster
    if (asked.verb === 'get') sendJson(response, 200, getObject(store, collection, asked))
    else if (asked.verb === 'list') sendJson(response, 200, this.#lists.list(collection, namespace, query))
    else if (asked.verb !== 'watch') throw methodNotAllowed()
    else {
      const { watches } = this.disturbances
      const watchRequest = { store, clock: this.#clock, collection, namespace, query }
      const watch = serveWatch(watchRequest, response, () => watches.delete(watch))
      watches.add(watch)
    }
  }

  /** Deletes a pod, in whose place another comes; nothing else is deleted from outside. */
  #delete(asked: Attributes): object {
    const collection = collectionOf(asked.group, asked.version, asked.resource ?? '')
    if (collection?.key !== 'pods' || asked.subresource !== undefined) throw methodNotAllowed()
    const pod = this.#podOf(asked)
    const object = getObject(this.#cluster.objects, collection, asked)
    this.#cluster.replacePod(pod.name)
    return object
  }

  /** Merges a patch into a ConfigMap; nothing else is changed from outside. */
  async #patch(asked: Attributes, request: IncomingMessage): Promise<object> {
    const collection = collectionOf(asked.group, asked.version, asked.resource ?? '')
    if (collection?.key !== 'configmaps' || asked.name === undefined) throw methodNotAllowed()
    return patchObject(this.#cluster.objects, collection, asked, request)
  }

  #answerSubresource(asked: Attributes, query: URLSearchParams, response: ServerResponse): void {
    const pod = this.#podOf(asked)
    if (asked.subresource === 'exec' || asked.subresource === 'portforward')
      throw badRequest('Upgrade request required')
    if (asked.subresource !== 'log') throw unknownResource()
    if (asked.verb !== 'get') throw methodNotAllowed()
    const options = logOptionsOf(query, pod, this.#clock.now().wall)
    const { log } = runOf(pod, options)
    const { split } = this.disturbances
    const stream = new LogStream(pod.name, log, { ...options, split }, response, (closed) =>
      this.disturbances.follows.delete(closed),
    )
    if (stream.follows) this.disturbances.follows.add(stream)
  }

  #openChannels(asked: Attributes, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const pod = this.#podOf(asked)
    const query = urlOf(request).searchParams
    if (asked.subresource === 'exec') {
      const protocol = negotiateProtocol(request, ['v5.channel.k8s.io', 'v4.channel.k8s.io'])
      const options = execOptionsOf(query, pod)
      if (!isRunning(pod)) throw badRequest(`container not found ("${pod.container}")`)
      ChannelSocket.accept(request, socket, head, protocol, (channels) => serveExec(channels, pod, options))
    } else if (asked.subresource === 'portforward') {
      const protocol = negotiateProtocol(request, ['v4.channel.k8s.io'])
      const ports = forwardedPortsOf(query)
      if (!isRunning(pod))
        throw badRequest(`unable to forward port because pod is not running. Current status=${phaseOf(pod)}`)
      const world = typeof this.#options.ports === 'function' ? this.#options.ports() : this.#options.ports
      ChannelSocket.accept(request, socket, head, protocol, (channels) =>
        servePortForward(channels, pod, ports, world),
      )
    } else throw badRequest('the sandbox upgrades exec and portforward only')
  }

  #podOf(asked: Attributes): Pod {
    if (asked.resource !== 'pods') throw unknownResource()
    const name = asked.name ?? ''
    const pod = asked.namespace === WORLD.namespace ? this.#cluster.pod(name) : undefined
    if (pod === undefined) throw notFound('pods', name)
    return pod
  }
}

function tokenOf(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization
  if (header === undefined) return bearerOfProtocols(request)
  return /^Bearer +(\S+)$/i.exec(header)?.[1]
}

function sendDiscovery(path: string, { cluster }: World, response: ServerResponse): void {
  const found = discoveryOf(path, cluster.version)
  if (found === undefined) throw unknownResource()
  if (typeof found === 'string')
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(found)
  else sendJson(response, 200, found)
}

function failureStatus(failure: Failure): ApiFailure {
  switch (failure.status) {
    case 401:
      return unauthorized()
    case 429:
      return new ApiFailure(429, 'TooManyRequests', 'Too many requests, please try again later.')
    case 500:
      return new ApiFailure(500, 'InternalError', 'Internal error occurred: etcdserver: leader changed')
    case 503:
      return new ApiFailure(503, 'ServiceUnavailable', 'the server is currently unable to handle the request')
  }
}

function sendFailure(response: ServerResponse, failure: Failure): void {
  const { body } = failureStatus(failure)
  const retryAfter = { 'retry-after': String(failure.retryAfter ?? 1) }
  // The API server's own throttle answers in plain text, unlike all its other refusals.
  if (failure.status === 429)
    response
      .writeHead(429, { 'content-type': 'text/plain; charset=utf-8', ...retryAfter })
      .end(`${body.message}\n`)
  else sendJson(response, body.code, body, failure.status === 503 ? retryAfter : {})
}
