import { timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { messageOf } from '#core/errors.ts'
import type { CallRecord } from './aws/calls.ts'
import { headerOf, type WireAnswer, type WireRequest } from './aws/http-message.ts'
import { clausesOf } from './clauses.ts'
import type { MessageGateway } from './gateway/gateway.ts'
import { knobsChangeSchema } from './knobs.ts'
import type { KubernetesFaults } from './kubernetes/faults.ts'
import type { WorldState } from './world-state.ts'

/** Where the administration answers, on the sandbox's own port. */
const PREFIX = '/_sandbox/'

export interface AdminOptions {
  /** The bearer that its callers show. */
  readonly secret: string
  readonly state: WorldState
  readonly gateway: MessageGateway
  readonly calls: CallRecord
  /** Undefined until the cluster has started. */
  readonly kubernetes: () => KubernetesFaults | undefined
}

const clusterFaultSchema = z.strictObject({
  fault: z.string(),
  with: z.record(z.string(), z.unknown()).optional(),
})

/**
 * How another process turns knobs, makes faults and reads what happened.
 *
 *     GET  knobs                    PATCH knobs  {"bastion":"stopped"}
 *     POST faults  {"kind":"cut"}   POST kubernetes  {"fault":"cutFollows","with":{…}}
 *     GET  calls?after=N            GET statistics
 */
export class Admin {
  readonly #options: AdminOptions

  constructor(options: AdminOptions) {
    this.#options = options
  }

  owns(path: string): boolean {
    return path.startsWith(PREFIX)
  }

  /** Answers one request; only to who shows the secret. */
  answer(request: WireRequest): WireAnswer {
    if (!this.#isTrusted(request)) return json(401, { message: 'the bearer token is missing or wrong' })
    try {
      const result = this.#act(`${request.method} ${request.path.slice(PREFIX.length)}`, request)
      return result === undefined ? json(404, { message: 'there is nothing here' }) : json(200, result)
    } catch (error) {
      return json(400, { message: error instanceof z.ZodError ? clausesOf(error) : messageOf(error) })
    }
  }

  #act(what: string, request: WireRequest): object | undefined {
    const { state, gateway, calls } = this.#options
    switch (what) {
      case 'GET knobs':
        return state.knobs
      case 'PATCH knobs':
        return state.turn(knobsChangeSchema.parse(bodyOf(request)))
      case 'POST faults':
        gateway.order(bodyOf(request) as Parameters<MessageGateway['order']>[0])
        return {}
      case 'POST kubernetes':
        return this.#disturbCluster(bodyOf(request))
      case 'GET calls':
        return { calls: calls.since(Number(new URLSearchParams(request.query).get('after') ?? 0)) }
      case 'GET statistics':
        return gateway.statistics()
      default:
        return undefined
    }
  }

  #disturbCluster(body: unknown): object {
    const { fault, with: details } = clusterFaultSchema.parse(body)
    const faults = this.#options.kubernetes()
    if (faults === undefined || !Object.hasOwn(faults, fault))
      throw new Error(`there is no cluster fault ${fault}`)
    const act = faults[fault as keyof KubernetesFaults] as (details: unknown) => unknown
    return { result: act(details) ?? null }
  }

  #isTrusted(request: WireRequest): boolean {
    const shown = Buffer.from(headerOf(request, 'authorization') ?? '')
    const wanted = Buffer.from(`Bearer ${this.#options.secret}`)
    return shown.length === wanted.length && timingSafeEqual(shown, wanted)
  }
}

function bodyOf(request: WireRequest): unknown {
  return JSON.parse(Buffer.from(request.body).toString('utf8'))
}

function json(status: number, body: object): WireAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(body)}\n` }
}
