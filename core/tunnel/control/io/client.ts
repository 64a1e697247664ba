import { createConnection, type Socket } from 'node:net'
import type { Ms } from '#core/clock.ts'
import { type ErrorCode, PgctlError } from '#core/errors.ts'
import {
  type Answer,
  CONTROL_PROTOCOL,
  encodeLine,
  kinship,
  LineReader,
  parseAnswer,
  parseWelcome,
  versionSkew,
  type Welcome,
} from '#core/tunnel/control/lines.ts'
import { type ControlPlace, requirePrivate } from './place.ts'
import { drawNonce, isProof, prove, readToken } from './proof.ts'

/** A supervisor on this computer answers in milliseconds; one that does not is stopped, or stuck. */
const PATIENCE: Ms = 5_000

export interface ControlRequest {
  readonly place: ControlPlace
  /** Of this pgctl. */
  readonly version: string
  readonly request: { readonly request: string } & Record<string, unknown>
  /** Whether the supervisor runs code of ours for it: then it must be of this very version. */
  readonly sameVersion: boolean
  readonly onEvent?: ((event: unknown) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Asks the supervisor; undefined where there is none, or it ends at this moment.
 * @throws PgctlError what it refuses with; `permission-denied` for a socket that is not ours alone; `not-supported`
 * for another version; `timed-out` for one that does not answer; the signal's reason.
 */
export async function askSupervisor(
  asked: ControlRequest,
): Promise<{ readonly result: unknown } | undefined> {
  asked.signal?.throwIfAborted()
  const { place } = asked
  if (!requirePrivate(place.folder, 'directory') || !requirePrivate(place.socket, 'socket')) return undefined
  const token = readToken(place)
  if (token === undefined) return undefined
  return new Promise((resolve, reject) => new Asking(asked, token, resolve, reject))
}

class Asking {
  readonly #asked: ControlRequest
  readonly #token: string
  readonly #nonce = drawNonce()
  readonly #socket: Socket
  readonly #reader = new LineReader()
  readonly #timer: NodeJS.Timeout
  #welcome: Welcome | undefined

  constructor(
    asked: ControlRequest,
    token: string,
    resolve: (answer: { readonly result: unknown } | undefined) => void,
    reject: (error: unknown) => void,
  ) {
    this.#asked = asked
    this.#token = token
    this.#socket = createConnection({ path: asked.place.socket })
    const onAbort = () => settle(() => reject(asked.signal?.reason))
    const settle = (tell: () => void) => {
      clearTimeout(this.#timer)
      asked.signal?.removeEventListener('abort', onAbort)
      this.#socket.destroy()
      tell()
    }
    this.#timer = setTimeout(() => settle(() => reject(silent(asked.place))), PATIENCE)
    asked.signal?.addEventListener('abort', onAbort, { once: true })
    this.#socket.once('connect', () => this.#hello())
    // Nobody listens, or no longer: what was left of a supervisor that is gone.
    this.#socket.once('error', () => settle(() => resolve(undefined)))
    this.#socket.once('close', () => settle(() => resolve(undefined)))
    this.#socket.on('data', (bytes) => {
      try {
        for (const line of this.#reader.feed(bytes)) {
          if (this.#welcome === undefined) this.#onWelcome(parseWelcome(line))
          else this.#onAnswer(parseAnswer(line), (result) => settle(() => resolve({ result })))
        }
      } catch (error) {
        settle(() => reject(error))
      }
    })
  }

  #hello(): void {
    const { version } = this.#asked
    this.#socket.write(encodeLine({ pgctl: CONTROL_PROTOCOL, version, nonce: this.#nonce }))
  }

  /** Nothing is told to whoever cannot prove to be ours. */
  #onWelcome(welcome: Welcome): void {
    clearTimeout(this.#timer)
    const { version, request, sameVersion, place } = this.#asked
    const kin = kinship({ pgctl: CONTROL_PROTOCOL, version }, welcome)
    if (kin === 'strangers' || (kin === 'cousins' && sameVersion)) throw versionSkew(version, welcome, kin)
    if (!isProof(prove(this.#token, 'supervisor', this.#nonce, welcome.nonce), welcome.proof))
      throw foreign(place)
    this.#welcome = welcome
    const proof = prove(this.#token, 'client', this.#nonce, welcome.nonce)
    this.#socket.write(encodeLine({ proof }) + encodeLine(request))
  }

  #onAnswer(answer: Answer, done: (result: unknown) => void): void {
    if ('event' in answer) this.#asked.onEvent?.(answer.event)
    else if ('result' in answer) done(answer.result)
    else throw errorOf(answer.error)
  }
}

/** The supervisor's failure, as it would be told had it happened here. */
function errorOf({
  code,
  message,
  ...rest
}: { readonly code: string; readonly message: string } & Record<string, unknown>) {
  const text = (name: string) => (typeof rest[name] === 'string' ? (rest[name] as string) : undefined)
  return new PgctlError(code as ErrorCode, message, {
    why: text('why'),
    next: text('next'),
    requestId: text('requestId'),
  })
}

function silent({ socket }: ControlPlace): PgctlError {
  return new PgctlError('timed-out', 'the supervisor of background tunnels does not answer', {
    why: `it took the connection to ${socket}, and has said nothing for ${PATIENCE / 1000} s`,
    next: 'see whether it is stopped or stuck, and end it: ps -ef | grep "pgctl.* supervise"',
  })
}

function foreign({ socket }: ControlPlace): PgctlError {
  return new PgctlError(
    'permission-denied',
    `whoever listens on ${socket} is not the supervisor of your tunnels`,
    {
      why: 'it has not read the token that lies beside the socket',
      next: `see who it is (lsof ${socket}), end it, and run the command again`,
    },
  )
}
