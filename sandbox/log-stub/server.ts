/** The stub's API on loopback: the answers of `api.ts` over HTTP/1.1, with connections broken as the plan says. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { ApiFailure } from '#sandbox/kubernetes/status.ts'
import { serveWatch } from '#sandbox/kubernetes/watch.ts'
import { type HttpService, sendJson, startHttpService, urlOf } from '#sandbox/services/http-service.ts'
import { StubApi } from './api.ts'
import type { LogReading, Turn } from './log-reading.ts'
import type { WorldPlan } from './plan.ts'
import { StubWorld } from './world.ts'

export interface StubServerOptions {
  readonly plan: WorldPlan
  /** The certificate chain and key, PEM; plain HTTP without them. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined
  readonly port?: number | undefined
  /** What every request waits before it is answered, as over a distance. */
  readonly latency?: Ms
  readonly clock?: Clock
  /** Is told of each token that replaces another. */
  readonly onToken?: ((token: string) => void) | undefined
  /** Called for every request, before it is answered. */
  readonly onRequest?: ((line: string) => void) | undefined
  /** Is told what was done to a stream. */
  readonly onFault?: ((what: string) => void) | undefined
}

export interface StubServer extends AsyncDisposable {
  readonly port: number
  readonly world: StubWorld
}

/** Bytes handed to a connection at once. */
const PIECE = 256 * 1024
/** What was sent has to reach the reader before a reset, which discards what is on its way. */
const BEFORE_RESET: Ms = 15

/** Starts the stub on a port of 127.0.0.1. Rejects with the listen error when it is taken. */
export async function startStub(options: StubServerOptions): Promise<StubServer> {
  const world = new StubWorld(options.plan, options.clock ?? systemClock, options.onToken)
  const handler = new StubHandler(world, options, (port) => service.reset(port))
  const service: HttpService = await startHttpService({
    port: options.port,
    tls: options.tls,
    handle: (request, response) => handler.handle(request, response),
  })
  return {
    port: service.port,
    world,
    async [Symbol.asyncDispose]() {
      world.stop()
      await service[Symbol.asyncDispose]()
    },
  }
}

class StubHandler {
  readonly #world: StubWorld
  readonly #api: StubApi
  readonly #options: StubServerOptions
  readonly #clock: Clock
  readonly #reset: (remotePort: number) => void

  constructor(world: StubWorld, options: StubServerOptions, reset: (remotePort: number) => void) {
    this.#world = world
    this.#api = new StubApi(world)
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#reset = reset
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { latency = 0, onRequest } = this.#options
    onRequest?.(`${request.method} ${request.url}`)
    if (latency > 0) await sleep(this.#clock, latency)
    // Whoever has gone meanwhile would never end what is begun for them.
    if (response.destroyed || request.socket.destroyed) return
    const url = urlOf(request)
    try {
      const answer = this.#api.answer(request.method ?? 'GET', url, tokenOf(request), this.#clock.now().wall)
      if (answer.kind === 'log') this.#sendLog(answer.reading, url.pathname, response)
      else if (answer.kind === 'watch') this.#watch({ ...answer, query: url.searchParams }, response)
      else if (typeof answer.body === 'string') response.end(answer.body)
      else sendJson(response, 200, answer.body)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      const headers = error.body.code === 429 ? { 'retry-after': '1' } : {}
      this.#options.onFault?.(`${error.body.code} ${url.pathname}`)
      sendJson(response, error.body.code, error.body, headers)
    }
  }

  #watch(
    { collection, namespace, query }: Omit<Parameters<typeof serveWatch>[0], 'store' | 'clock'>,
    response: ServerResponse,
  ): void {
    const request = { store: this.#world.objects, clock: this.#clock, collection, namespace, query }
    const forget = this.#world.onExpiry(() => watch.end())
    const watch = serveWatch(request, response, () => forget())
  }

  #sendLog(reading: LogReading, path: string, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' })
    response.flushHeaders()
    let blocked = false
    const pump = () => {
      while (!blocked && !response.writableEnded && !response.destroyed) {
        const turn = reading.next(PIECE)
        if (turn === 'wait') return
        if (typeof turn === 'string') {
          stop()
          this.#disturb(turn, path, response)
          return
        }
        blocked = !response.write(turn)
      }
    }
    const stop = reading.onChange(pump)
    response.on('drain', () => {
      blocked = false
      pump()
    })
    response.once('close', stop)
    pump()
  }

  #disturb(turn: Exclude<Turn, 'wait'>, path: string, response: ServerResponse): void {
    if (turn !== 'end') this.#options.onFault?.(`${turn} ${path}`)
    const { socket } = response
    const resetAfter = (delay: Ms) => this.#clock.after(delay, () => this.#reset(socket?.remotePort ?? 0))
    switch (turn) {
      case 'end':
      case 'rotate':
        response.end()
        break
      case 'fin':
        // The terminating chunk never comes.
        socket?.end()
        break
      case 'reset':
        resetAfter(BEFORE_RESET)
        break
      case 'stall':
        // Stays open, and says nothing any more.
        if (this.#world.stallFor !== undefined) resetAfter(this.#world.stallFor)
        break
    }
  }
}

function tokenOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}
