import { Worker } from 'node:worker_threads'
import { messageOf } from '#core/errors.ts'

/** The package that holds Postgres. Not every computer has it: it is large, and only a database that is used needs it. */
const PACKAGE = '@electric-sql/pglite'

/** A Postgres of its own, in memory. It has one session, which `exclusively` gives to one client at a time. */
export interface PostgresEngine extends AsyncDisposable {
  /** Runs `action` when nobody else has the session. */
  exclusively<T>(action: () => Promise<T>): Promise<T>
  /** What the server answers to one message of the protocol. @throws Error when it has ended. */
  exchange(message: Uint8Array): Promise<Uint8Array>
  readonly hasEnded: boolean
}

/** In a thread of its own: making a cluster keeps a processor busy for a second or two. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
import(workerData)
  .then(({ PGlite }) => PGlite.create())
  .then((database) => {
    parentPort.on('message', async ({ number, message }) => {
      const answer = await database.execProtocolRaw(message)
      parentPort.postMessage({ number, answer })
    })
    parentPort.postMessage({ number: 0, answer: new Uint8Array() })
  })
`

/** Starts one. @throws Error with a sentence for people when it cannot. */
export async function startPostgresEngine(name = PACKAGE): Promise<PostgresEngine> {
  const worker = new Worker(PROGRAM, { eval: true, workerData: locate(name), stdout: true, stderr: true })
  const engine = new WorkerEngine(worker)
  await engine.started
  return engine
}

function locate(name: string): string {
  try {
    return import.meta.resolve(name)
  } catch {
    throw new Error(`the sandbox has databases only where the package ${name} is installed`)
  }
}

class WorkerEngine implements PostgresEngine {
  readonly started: Promise<unknown>
  readonly #worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<Uint8Array>>()
  #count = 0
  #turn: Promise<unknown> = Promise.resolve()
  #ended: Error | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    const start = Promise.withResolvers<Uint8Array>()
    this.#waiting.set(0, start)
    this.started = start.promise
    worker.on('message', ({ number, answer }: { number: number; answer: Uint8Array }) => {
      this.#waiting.get(number)?.resolve(answer)
      this.#waiting.delete(number)
    })
    worker.on('error', (error) => this.#end(new Error(`Postgres has ended: ${messageOf(error)}`)))
    worker.on('exit', () => this.#end(new Error('Postgres has ended')))
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  exclusively<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action)
    this.#turn = result.catch(() => {})
    return result
  }

  exchange(message: Uint8Array): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const answer = Promise.withResolvers<Uint8Array>()
    this.#count += 1
    this.#waiting.set(this.#count, answer)
    this.#worker.postMessage({ number: this.#count, message })
    return answer.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#ended)
    this.#waiting.clear()
  }
}
