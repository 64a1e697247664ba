import { realpathSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Variables } from '#core/tunnel/control/carried.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { errorOf, type FromHolder, type HolderCalls, type HolderStart, type ToHolder } from './messages.ts'

export interface HolderThreadOptions {
  readonly start: HolderStart
  readonly environment: Variables
  readonly onEvent: (tunnel: number, event: TunnelEvent) => void
  /** The thread has died of a defect, and with it all its tunnels. */
  readonly onDeath: (error: PgctlError) => void
}

/** One thread that holds tunnels, as the supervisor sees it. */
export class HolderThread {
  readonly #worker: Worker
  readonly #onEvent: HolderThreadOptions['onEvent']
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>()
  #last = 0

  constructor({ start, environment, onEvent, onDeath }: HolderThreadOptions) {
    this.#onEvent = onEvent
    this.#worker = new Worker(realpathSync(process.argv[1] as string), {
      argv: ['supervise'],
      env: environment,
      workerData: start,
    })
    this.#worker.on('message', (message: FromHolder) => this.#take(message))
    let death: unknown
    this.#worker.once('error', (error) => {
      death = error
    })
    this.#worker.once('exit', () => {
      const error = new PgctlError('internal', 'the thread that held the tunnel has ended', {
        why: death === undefined ? undefined : messageOf(death),
        next: 'open it again, and report this: it is a defect of pgctl',
        cause: death,
      })
      for (const call of this.#calls.values()) call.reject(error)
      this.#calls.clear()
      onDeath(error)
    })
  }

  /** @throws PgctlError what the call failed with. */
  call<Name extends keyof HolderCalls>(
    name: Name,
    asks: HolderCalls[Name]['asks'],
    signal?: AbortSignal,
  ): Promise<HolderCalls[Name]['answers']> {
    const call = ++this.#last
    const answer = Promise.withResolvers<unknown>()
    this.#calls.set(call, answer)
    const onAbort = () => this.#post({ abort: call })
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#post({ call, name, asks } as ToHolder)
    if (signal?.aborted) onAbort()
    return answer.promise.finally(() => signal?.removeEventListener('abort', onAbort)) as Promise<
      HolderCalls[Name]['answers']
    >
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #post(message: ToHolder): void {
    this.#worker.postMessage(message)
  }

  #take(message: FromHolder): void {
    if ('event' in message) {
      this.#onEvent(message.tunnel, message.event)
      return
    }
    const call = this.#calls.get(message.reply)
    this.#calls.delete(message.reply)
    if ('error' in message) call?.reject(errorOf(message.error))
    else call?.resolve(message.answer)
  }
}
