import type { Ms, RandomBytes } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { encodeClientHello, isTlsAnswer } from '#core/tunnel/client-hello.ts'
import { formatHostPort, parseAddress } from '#core/tunnel/host-port.ts'
import type { Protocol, Target } from '#core/tunnel/resolve-target.ts'

/**
 * Whether a tunnel is ready: a byte has gone to its far end and back. A route's own acknowledgement says less, as
 * an agent accepts a connection before it has dialled, and most servers speak second.
 *
 * What to send and how to judge the answer, by what the far end speaks; `io/probe.ts` does the sending.
 */
export interface Probe {
  readonly protocol: Protocol['kind']
  readonly request: Uint8Array
  /** How long to wait for an answer. */
  readonly patience: Ms
  /** Whether a far end that stays silent is broken, as its protocol is known and obliges it to answer. */
  readonly mustAnswer: boolean
  /** The request in words, for messages: `GET /api/health`. */
  readonly asks: string
}

export type ProbeResult =
  | {
      readonly result: 'answered'
      readonly detail: string
      /** What is wrong with the answer, though one came. */
      readonly concern?: string | undefined
    }
  /** Nothing came back and nothing was closed: it may work. */
  | { readonly result: 'unanswered'; readonly detail: string }
  | { readonly result: 'refused'; readonly detail: string }

/** How long a far end that must answer may think about it. */
const ANSWER_PATIENCE: Ms = 10_000

/** How long a far end that need not answer gets to close the connection: a second, or three round trips. */
const SILENCE_PATIENCE: Ms = 1_000
const SILENCE_ROUND_TRIPS = 3

/** No judgement needs more of an answer than this; what comes after is not read. */
export const ANSWER_BYTES = 64

const POSTGRES_SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f)
const REDIS_PING = ascii('PING\r\n')

export interface ProbeContext {
  /** The name on the certificate of the cluster's API, which the word `cluster` does not hold. */
  readonly clusterHost: string | undefined
  readonly roundTrip: Ms | undefined
  readonly random: RandomBytes
}

/** The probe for `target`, by what it speaks. */
export function planProbe(target: Target, { clusterHost, roundTrip, random }: ProbeContext): Probe {
  const { protocol, protocolCertain } = target
  const silence = Math.max(SILENCE_PATIENCE, SILENCE_ROUND_TRIPS * (roundTrip ?? 0))
  const base = { protocol: protocol.kind, patience: ANSWER_PATIENCE, mustAnswer: protocolCertain }
  switch (protocol.kind) {
    case 'http': {
      const asks = `GET ${protocol.path}`
      return { ...base, request: httpRequest(asks, authorityOf(target)), asks }
    }
    case 'postgres':
      return { ...base, request: POSTGRES_SSL_REQUEST, asks: 'a Postgres SSLRequest' }
    case 'redis':
      // One that wants TLS hangs up at a plain PING, or waits for more: both are no proof against it.
      return { ...base, request: REDIS_PING, asks: 'a Redis PING', mustAnswer: false }
    case 'tls':
      return {
        ...base,
        request: encodeClientHello(random(32), serverNameOf(target, clusterHost)),
        asks: 'a TLS hello',
      }
    case 'unknown':
      return {
        ...base,
        request: new Uint8Array(),
        patience: silence,
        mustAnswer: false,
        asks: 'nothing',
      }
  }
}

/**
 * Judges what came back so far: `received`, and whether the far side `ended` the stream. Undefined asks for more.
 */
export function judgeAnswer(probe: Probe, received: Uint8Array, ended: boolean): ProbeResult | undefined {
  if (received.length === 0) return ended ? judgeHangUp(probe) : undefined
  switch (probe.protocol) {
    case 'http':
      return judgeHttp(probe, received, ended)
    case 'postgres':
      return judgePostgres(received)
    case 'redis':
      return judgeRedis(received)
    case 'tls':
      return isTlsAnswer(received)
        ? answered('it speaks TLS')
        : answered('it speaks first or not TLS', 'what answers does not speak TLS')
    case 'unknown':
      return answered('it speaks first')
  }
}

/** What silence until the end of the probe's patience means. */
export function judgeSilence(probe: Probe): ProbeResult {
  const within = `within ${probe.patience / 1000} s`
  if (probe.protocol === 'unknown')
    return { result: 'unanswered', detail: `not refused ${within}; what it speaks is not known` }
  return { result: 'unanswered', detail: `no answer to ${probe.asks} ${within}` }
}

/** The error of a tunnel whose probe shows that it cannot be used; undefined when it can. */
export function probeFailure(target: Target, probe: Probe, result: ProbeResult): PgctlError | undefined {
  if (result.result === 'refused')
    return new PgctlError('far-end-refused', `${target.name} refuses connections`, {
      why: result.detail,
      next: lookAfter(target),
    })
  if (result.result === 'unanswered' && probe.mustAnswer)
    return new PgctlError('timed-out', `${target.name} does not answer`, {
      why: result.detail,
      next: lookAfter(target),
    })
  return undefined
}

/** How to see more than the agent tells, which says nothing of why it could not connect. */
function lookAfter(target: Target): string {
  switch (target.kind) {
    case 'cluster':
      return 'see how the cluster is: pgctl status'
    case 'service':
      return `see what its pods say: pgctl logs ${target.service}`
    case 'host': {
      const address = formatHostPort(target.host, target.port)
      return target.instance === undefined
        ? `try it from the bastion itself: pgctl exec -- curl -sv --max-time 5 telnet://${address}`
        : `check host and port, and that ${target.instance} may reach ${address}`
    }
  }
}

function judgeHangUp(probe: Probe): ProbeResult {
  if (probe.protocol === 'redis')
    return { result: 'unanswered', detail: 'it hung up at a plain PING: it may want TLS' }
  return { result: 'refused', detail: 'the connection was closed before a byte came back' }
}

/** Only the status number is repeated: the rest is the far end's own text. */
function judgeHttp(probe: Probe, received: Uint8Array, ended: boolean): ProbeResult | undefined {
  const start = String.fromCharCode(...received.subarray(0, ANSWER_BYTES))
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(start)?.[1]
  if (status !== undefined) {
    const detail = `${probe.asks}: ${status}`
    return Number(status) < 500
      ? answered(detail)
      : answered(detail, `it answers ${probe.asks} with ${status}`)
  }
  const mayBecomeHttp = start.length < 'HTTP/1.1 200'.length && 'HTTP/1.1 '.startsWith(start.slice(0, 5))
  if (mayBecomeHttp && !ended) return undefined
  return answered('not HTTP', 'what answers does not speak HTTP')
}

function judgePostgres(received: Uint8Array): ProbeResult {
  switch (String.fromCharCode(received[0] as number)) {
    case 'S':
      return answered('it speaks Postgres and offers TLS')
    case 'N':
      return answered('it speaks Postgres, without TLS')
    case 'E':
      return answered('it speaks Postgres', 'it answers an SSLRequest with an error')
    default:
      return answered('not Postgres', 'what answers does not speak Postgres')
  }
}

function judgeRedis(received: Uint8Array): ProbeResult {
  const isReply = '+-'.includes(String.fromCharCode(received[0] as number))
  return isReply ? answered('it speaks Redis') : answered('not Redis', 'what answers does not speak Redis')
}

function answered(detail: string, concern?: string): ProbeResult {
  return { result: 'answered', detail, concern }
}

function httpRequest(asks: string, host: string): Uint8Array {
  return ascii(
    `${asks} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: pgctl\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
  )
}

function authorityOf(target: Target): string {
  if (target.kind === 'cluster') return target.name
  return formatHostPort(target.kind === 'host' ? target.host : target.service, target.port)
}

/** An address is no server name (RFC 6066 3). */
function serverNameOf(target: Target, clusterHost: string | undefined): string | undefined {
  if (target.kind === 'cluster') return clusterHost
  const host = target.kind === 'host' ? target.host : target.service
  return parseAddress(host) === undefined ? host : undefined
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
