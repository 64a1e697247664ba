import { Readable } from 'node:stream'
import type * as z from 'zod'
import { type Clock, type Ms, sleep } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { isPassing, KubeApiError } from '#core/kube/api-error.ts'
import { type ApiRequest, KubeClient, pathOf } from '#core/kube/client.ts'
import type { ClusterToken } from '#core/kube/credentials.ts'
import type { LogSelection } from '#core/kube/log-selection.ts'
import { retry } from '#core/retry.ts'
import { ApiFailure } from '#sandbox/kubernetes/status.ts'
import { type Answer, StubApi } from '#sandbox/log-stub/api.ts'
import type { LogReading } from '#sandbox/log-stub/log-reading.ts'
import { STUB_APP, STUB_LABEL, STUB_NAMESPACE } from '#sandbox/log-stub/pod-object.ts'
import type { StubWorld } from '#sandbox/log-stub/world.ts'

/** Longer than anybody waits. */
const NEVER: Ms = 365 * 86_400_000

/** Whose logs the stub has, for `followLogs`. */
export const STUB_SELECTIONS: readonly LogSelection[] = [
  { service: STUB_APP, namespace: STUB_NAMESPACE, selector: `${STUB_LABEL}=${STUB_APP}` },
]

/** Tokens of a stub; one that was refused is asked for anew. */
export function stubTokens(world: StubWorld): () => Promise<ClusterToken> {
  return async () => ({ value: world.token, expires: Number.POSITIVE_INFINITY })
}

/**
 * The cluster's client with the stub's answers in place of a connection: what a socket does to them, broken pieces
 * and all, without one. For as many cuts as there are bytes.
 */
export class StubClient extends KubeClient {
  readonly #api: StubApi
  readonly #world: StubWorld
  readonly #clock: Clock
  readonly #piece: number
  #token: string

  /** `piece`: bytes that come at once. */
  constructor(world: StubWorld, clock: Clock, piece = 64 * 1024) {
    const token = stubTokens(world)
    super({ server: 'https://127.0.0.1:1', tlsServerName: 'stub', ca: '', token }, clock)
    this.#api = new StubApi(world)
    this.#world = world
    this.#clock = clock
    this.#piece = piece
    this.#token = world.token
  }

  override async read<T>(request: ApiRequest, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    const answer = await retry(() => this.#ask(request), {
      clock: this.#clock,
      chance: () => 0.5,
      retryable: isPassing,
      floor: (error) => (error instanceof KubeApiError ? error.retryAfter : undefined),
      signal,
    })
    if (answer.kind !== 'document') throw new Error(`${request.resource} is no document`)
    return schema.parse(answer.body)
  }

  override async open(request: ApiRequest, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    signal?.throwIfAborted()
    const answer = await this.#ask(request)
    if (answer.kind === 'log') return this.#bytes(answer.reading, signal)
    if (answer.kind === 'watch') return this.#changes(answer, request, signal)
    throw new Error(`${request.resource} is no stream`)
  }

  /** A token that is refused is renewed once. */
  async #ask(request: ApiRequest): Promise<Answer> {
    await undefined
    try {
      return this.#answer(request)
    } catch (error) {
      if (!(error instanceof KubeApiError) || error.status !== 401) throw error
      this.#token = this.#world.token
      return this.#answer(request)
    }
  }

  #answer(request: ApiRequest): Answer {
    try {
      const url = new URL(pathOf(request), 'http://stub')
      return this.#api.answer('GET', url, this.#token, this.#clock.now().wall)
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      const { code } = error.body
      const retryAfter = code === 429 ? 1_000 : undefined
      throw new KubeApiError(request, 'stub', { status: code, body: JSON.stringify(error.body), retryAfter })
    }
  }

  async *#bytes(reading: LogReading, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    for (;;) {
      signal?.throwIfAborted()
      const turn = reading.next(this.#piece)
      if (typeof turn !== 'string') yield turn
      else if (turn === 'end' || turn === 'rotate') return
      else if (turn === 'wait') await nextChange(reading, signal)
      else {
        if (turn === 'stall') await sleep(this.#clock, this.#world.stallFor ?? NEVER, signal)
        throw new PgctlError('cluster-unreachable', 'cannot reach the Kubernetes API of stub', { why: turn })
      }
    }
  }

  async *#changes(
    { collection, namespace }: Extract<Answer, { kind: 'watch' }>,
    { query = {} }: ApiRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const events = new Readable({ read() {} })
    let isOver = false
    const send = (type: string, object: unknown) => {
      // A change between the end and its being read belongs to the watch that comes next.
      if (!isOver) events.push(`${JSON.stringify({ type, object })}\n`)
    }
    const end = () => {
      if (!isOver) events.push(null)
      isOver = true
    }
    const forget = this.#world.onExpiry(end)
    let unwatch = () => {}
    try {
      unwatch = this.#world.objects.watch(Number(query['resourceVersion']), ({ type, resource, object }) => {
        if (resource === collection.key && object.metadata.namespace === namespace) send(type, object)
      })
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      send('ERROR', error.body)
      end()
    }
    const onAbort = () => events.destroy(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      yield* events as AsyncIterable<Uint8Array>
    } finally {
      forget()
      unwatch()
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

function nextChange(reading: LogReading, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      forget()
      signal?.removeEventListener('abort', onAbort)
    }
    const onAbort = () => {
      settle()
      reject(signal?.reason)
    }
    const forget = reading.onChange(() => {
      settle()
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
