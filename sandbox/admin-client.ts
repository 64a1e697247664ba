import { messageOf, PgctlError } from '#core/errors.ts'
import type { RecordedCall } from './aws/calls.ts'
import type { FaultOrder } from './gateway/faults.ts'
import type { GatewayStatistics } from './gateway/gateway.ts'
import type { Knobs, KnobsChange } from './knobs.ts'

/** Where a sandbox answers to who knows its secret. */
export interface AdminAddress {
  readonly plainEndpoint: string
  readonly adminSecret: string
}

/** The administration of a sandbox in another process; every method throws a `PgctlError` when it is refused. */
export class AdminClient {
  readonly #address: AdminAddress

  constructor(address: AdminAddress) {
    this.#address = address
  }

  knobs(): Promise<Knobs> {
    return this.#ask('GET', 'knobs')
  }

  /** Turns some knobs. */
  turn(change: KnobsChange): Promise<Knobs> {
    return this.#ask('PATCH', 'knobs', change)
  }

  /** Makes something go wrong. */
  async order(fault: FaultOrder): Promise<void> {
    await this.#ask('POST', 'faults', fault)
  }

  /** Makes something go wrong in the cluster; `fault` is a method of `KubernetesFaults`. */
  disturbCluster(fault: string, details?: object): Promise<{ result: unknown }> {
    return this.#ask('POST', 'kubernetes', { fault, ...(details === undefined ? {} : { with: details }) })
  }

  /** The calls after the one of that number. */
  async calls(after = 0): Promise<RecordedCall[]> {
    const { calls } = await this.#ask<{ calls: RecordedCall[] }>('GET', `calls?after=${after}`)
    return calls
  }

  statistics(): Promise<GatewayStatistics> {
    return this.#ask('GET', 'statistics')
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const { plainEndpoint, adminSecret } = this.#address
    const answer = await fetch(`${plainEndpoint}/_sandbox/${path}`, {
      method,
      // One request and no more: a pooled connection would keep the process from ending.
      headers: { authorization: `Bearer ${adminSecret}`, connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new PgctlError('sandbox-not-running', `no sandbox answers at ${plainEndpoint}`, {
        why: messageOf(error.cause ?? error),
        next: 'see how it is: pgctl sandbox status',
        cause: error,
      })
    })
    const result = (await answer.json()) as T & { message?: string }
    if (!answer.ok) throw refused(result.message)
    return result
  }
}

function refused(why: string | undefined): PgctlError {
  return new PgctlError('usage', 'the sandbox refuses that', {
    why,
    next: 'see what goes with what: pgctl sandbox fault --help',
  })
}
