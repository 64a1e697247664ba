import type { Bytes, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { nearest } from '#core/text/nearest.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import type { Cause, TunnelEvent } from '#core/tunnel/events.ts'

/**
 * ```
 *   opening → ready ⇄ reconnecting → ended
 *   opening → asleep ⇄ ready                 a lazy one
 * ```
 */
export type TunnelState = 'opening' | 'ready' | 'reconnecting' | 'asleep' | 'ended'

/** One background tunnel, as everybody may know it. Moments are milliseconds since the epoch. */
export interface TunnelRecord {
  /** A number of this supervisor's life. */
  readonly id: number
  /** Undefined for an address through an instance that was named. */
  readonly installation: string | undefined
  /** The canonical name, once it is known; before that the word that was given. */
  readonly target: string
  /** As it was asked for. */
  readonly word: string
  /** Whose credentials and which configuration it goes by; opaque. */
  readonly who: string
  readonly state: TunnelState
  readonly lazy: boolean
  /** Whether it was opened for a command that needed it, and not by a person: it goes once it falls asleep. */
  readonly implicit: boolean
  readonly reason: string | undefined
  readonly openedAt: Ms
  readonly address: string | undefined
  readonly port: number | undefined
  readonly url: string | undefined
  readonly route: RouteName | undefined
  readonly sessionId: string | undefined
  readonly instance: string | undefined
  readonly sessionEndsAt: string | undefined
  /** Connections that are open now, and all there have been. */
  readonly open: number
  readonly connections: number
  /** Of connections that have ended. */
  readonly sent: Bytes
  readonly received: Bytes
  readonly cause: Cause | undefined
}

export type NewTunnel = Pick<
  TunnelRecord,
  'id' | 'installation' | 'word' | 'who' | 'lazy' | 'implicit' | 'reason' | 'openedAt'
>

export function newRecord(tunnel: NewTunnel): TunnelRecord {
  return {
    ...tunnel,
    target: tunnel.word,
    state: 'opening',
    address: undefined,
    port: undefined,
    url: undefined,
    route: undefined,
    sessionId: undefined,
    instance: undefined,
    sessionEndsAt: undefined,
    open: 0,
    connections: 0,
    sent: 0,
    received: 0,
    cause: undefined,
  }
}

/** The tunnel after what has happened to it. */
export function afterEvent(record: TunnelRecord, event: TunnelEvent): TunnelRecord {
  const known = { ...record, target: event.target }
  switch (event.event) {
    case 'starting':
      return { ...known, route: event.route }
    case 'session': {
      const { sessionId, instance, endsAt: sessionEndsAt } = event
      const state = record.state === 'asleep' ? 'ready' : record.state
      return { ...known, state, sessionId, instance, sessionEndsAt }
    }
    case 'ready': {
      const { address, port, url, route } = event
      return { ...known, state: event.lazy ? 'asleep' : 'ready', address, port, url, route }
    }
    case 'connection-opened':
      return { ...known, open: event.open, connections: record.connections + 1 }
    case 'connection-closed':
      return {
        ...known,
        open: event.open,
        sent: record.sent + event.sent,
        received: record.received + event.received,
      }
    case 'reconnecting':
      return { ...known, state: 'reconnecting' }
    case 'resumed':
      return { ...known, state: 'ready' }
    case 'asleep':
      return {
        ...known,
        state: 'asleep',
        sessionId: undefined,
        instance: undefined,
        sessionEndsAt: undefined,
      }
    case 'ended':
      return { ...known, state: 'ended', open: 0, cause: event.cause }
    case 'degraded':
    case 'notice':
    case 'warning':
      return known
  }
}

/** What somebody is told who asks for a tunnel that is there already; undefined for one that does not listen. */
export function readyEventOf({
  target,
  address,
  port,
  url,
  route,
  state,
}: TunnelRecord): TunnelEvent | undefined {
  if (address === undefined || port === undefined || route === undefined) return undefined
  const detail = 'open already'
  const lazy = state === 'asleep' ? ({ lazy: true } as const) : {}
  return {
    event: 'ready',
    target,
    address,
    port,
    url,
    route,
    probe: 'answered',
    detail,
    addresses: [address],
    ...lazy,
  }
}

/** Where a tunnel is reached on this computer; an address that stands for all is none to connect to. */
export function placeOf(
  record: TunnelRecord | undefined,
): { readonly address: string; readonly port: number } | undefined {
  if (record?.address === undefined || record.port === undefined || record.state === 'ended') return undefined
  const isForAll = record.address === '0.0.0.0' || record.address === '::'
  return { address: isForAll ? '127.0.0.1' : record.address, port: record.port }
}

/** Which tunnels somebody means. */
export interface Selection {
  readonly installation?: string | undefined
  /** Targets, as they were given or as they are called, or numbers of the list; none is all of them. */
  readonly words: readonly string[]
}

/**
 * The tunnels that are meant.
 * @throws PgctlError `target-unknown` for a word that none is called, `ambiguous-name` for one in several installations.
 */
export function select(records: readonly TunnelRecord[], { installation, words }: Selection): TunnelRecord[] {
  const here = records.filter((record) => installation === undefined || record.installation === installation)
  if (words.length === 0) return here
  return [...new Set(words.flatMap((word) => selectOne(here, word)))]
}

function selectOne(records: readonly TunnelRecord[], word: string): TunnelRecord[] {
  const byNumber = records.filter(({ id }) => String(id) === word)
  if (byNumber.length > 0) return byNumber
  const named = records.filter((record) => record.target === word || record.word === word)
  const installations = new Set(named.map(({ installation }) => installation))
  if (installations.size > 1) {
    const names = [...installations].map((name) => name ?? 'none')
    throw new PgctlError('ambiguous-name', `${JSON.stringify(word)} is open in several installations`, {
      why: names.join(', '),
      next: `name one: --installation ${names[0]}, or its number of pgctl tunnel list`,
    })
  }
  if (named.length > 0) return named
  const near = nearest(word, [...new Set(records.map(({ target }) => target))])
  throw new PgctlError('target-unknown', `no background tunnel is called ${JSON.stringify(word)}`, {
    why:
      records.length === 0 ? 'there is none' : `there are ${records.map(({ target }) => target).join(', ')}`,
    next: near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'see which there are: pgctl tunnel list',
  })
}

/** The tunnel that already is what somebody asks for, by the same credentials. */
export function findSame(
  records: readonly TunnelRecord[],
  { installation, word, who }: Pick<TunnelRecord, 'installation' | 'word' | 'who'>,
): TunnelRecord | undefined {
  return records.find(
    (record) =>
      record.state !== 'ended' &&
      record.installation === installation &&
      record.who === who &&
      (record.word === word || (record.word.includes(' ') ? false : record.target === word)),
  )
}
