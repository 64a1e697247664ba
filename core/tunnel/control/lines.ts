import type { Bytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'

/**
 * The control socket of background tunnels: one JSON object a line, UTF-8, one request a connection.
 *
 * ```
 *   client      {"pgctl":1,"version":"0.1.0","nonce":C}
 *   supervisor  {"pgctl":1,"version":"0.1.0","pid":123,"nonce":S,"proof":MAC("supervisor",C,S)}
 *   client      {"proof":MAC("client",C,S)}
 *   client      {"request":"open", …}
 *   supervisor  {"event":{…}}*   {"result":{…}} | {"error":{code,message,why,next}}
 * ```
 *
 * Each side proves that it has read the token, a file for its owner alone, before the other tells it anything: a
 * request carries credentials, and whoever opens tunnels uses them.
 */
export const CONTROL_PROTOCOL = 1

/** The first line of both sides. Only ever added to: it is what tells one version from another. */
export interface Hello {
  readonly pgctl: number
  readonly version: string
  readonly nonce: string
}

export interface Welcome extends Hello {
  readonly pid: number
  readonly proof: string
}

/** What the supervisor says behind its welcome. */
export type Answer =
  | { readonly event: unknown }
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly message: string } & Record<string, unknown> }

/** Longer lines are nobody's: a request holds an environment, an answer a list of tunnels. */
const MAX_LINE: Bytes = 1024 * 1024

export function encodeLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}

/** Cuts what arrives into lines, at whatever place it was split. */
export class LineReader {
  #rest: Buffer = Buffer.alloc(0)

  /**
   * The objects of the lines that are whole now.
   * @throws PgctlError `protocol-violation` for a line that is no object, or has no end.
   */
  feed(bytes: Uint8Array): Record<string, unknown>[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const values: Record<string, unknown>[] = []
    for (let end = this.#rest.indexOf(LINE_FEED); end !== -1; end = this.#rest.indexOf(LINE_FEED)) {
      if (end > MAX_LINE) throw violation('a line is too long')
      values.push(parseLine(this.#rest.subarray(0, end).toString('utf8')))
      this.#rest = this.#rest.subarray(end + 1)
    }
    if (this.#rest.length > MAX_LINE) throw violation('a line is too long')
    return values
  }
}

const LINE_FEED = 0x0a

function parseLine(line: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw violation('a line is no JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw violation('a line holds no object')
}

/** The first line of a client. @throws PgctlError `protocol-violation` */
export function parseHello(line: Record<string, unknown>): Hello {
  const { pgctl, version, nonce } = line
  if (typeof pgctl !== 'number' || !Number.isInteger(pgctl) || !isWord(version) || !isWord(nonce))
    throw violation('it does not say which version it is of')
  return { pgctl, version, nonce }
}

/** The first line of the supervisor. @throws PgctlError `protocol-violation` */
export function parseWelcome(line: Record<string, unknown>): Welcome {
  const { pid, proof } = line
  if (!Number.isInteger(pid) || !isWord(proof)) throw violation('it does not say which process it is')
  return { ...parseHello(line), pid: pid as number, proof }
}

/** A line behind the welcome. @throws PgctlError `protocol-violation` */
export function parseAnswer(line: Record<string, unknown>): Answer {
  if ('event' in line) return { event: line['event'] }
  if ('result' in line) return { result: line['result'] }
  const error = line['error'] as Record<string, unknown> | null | undefined
  if (typeof error === 'object' && error !== null && isWord(error['code']) && isWord(error['message']))
    return { error: { ...error, code: error['code'], message: error['message'] } }
  throw violation('a line is neither an event nor a result')
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function violation(why: string): PgctlError {
  return new PgctlError('protocol-violation', 'the control socket of background tunnels speaks otherwise', {
    why,
    next: 'end whatever listens there, then run the command again: pgctl tunnel stop --all',
  })
}

/** How much of one another two versions understand. */
export type Kinship =
  /** Everything. */
  | 'same'
  /** Tunnels can be listed, followed and stopped; a new one is opened only by the code that asked for it. */
  | 'cousins'
  | 'strangers'

export function kinship(
  own: Pick<Hello, 'pgctl' | 'version'>,
  other: Pick<Hello, 'pgctl' | 'version'>,
): Kinship {
  if (own.pgctl !== other.pgctl) return 'strangers'
  return own.version === other.version ? 'same' : 'cousins'
}

/** The error of a supervisor of another version. */
export function versionSkew(
  own: string,
  { version, pid }: Pick<Welcome, 'version' | 'pid'>,
  kin: Kinship,
): PgctlError {
  return new PgctlError(
    'not-supported',
    `background tunnels are held by pgctl ${version} (process ${pid}), and this is pgctl ${own}`,
    {
      why:
        kin === 'strangers'
          ? 'the two do not understand each other'
          : 'its tunnels go on, and it opens no new ones for another version',
      next:
        kin === 'strangers'
          ? `end it and its tunnels: kill ${pid}`
          : 'end it and its tunnels, and open them again: pgctl tunnel stop --all',
    },
  )
}
