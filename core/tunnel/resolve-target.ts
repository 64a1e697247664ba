import { PgctlError } from '#core/errors.ts'
import { nearest } from '#core/text/nearest.ts'
import { formatTargetWord, type HostWord, type TargetWord } from '#core/tunnel/target.ts'

/** What a far end speaks, as far as it is known: it decides how to probe it and whether there is a URL. */
export type Protocol =
  | { readonly kind: 'http'; readonly path: string }
  | { readonly kind: 'postgres' }
  | { readonly kind: 'redis' }
  | { readonly kind: 'tls' }
  | { readonly kind: 'unknown' }

interface Resolved {
  /** The canonical word for it: shown in events, and the key of its local port. */
  readonly name: string
  readonly protocol: Protocol
  /** Whether the protocol is known from a list, or only guessed from the port's number. */
  readonly protocolCertain: boolean
}

/** A far end, known well enough to look for a route to it. */
export type Target =
  | (Resolved & { readonly kind: 'cluster' })
  | (Resolved & {
      readonly kind: 'service'
      readonly service: string
      readonly port: number
      /** One of the product's monitors, which not every installation has. */
      readonly monitor?: true
    })
  | (Resolved & {
      readonly kind: 'host'
      readonly host: string
      readonly port: number
      readonly instance: string | undefined
    })

export interface NamedEndpoint {
  readonly port: number
  /** The path that answers when the service is healthy. */
  readonly health?: string | undefined
}

export interface Datastore {
  /** `postgres` or `redis` when there is one of the engine, else `postgres-NAME`, `redis-NAME`. */
  readonly name: string
  readonly engine: 'postgres' | 'redis'
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** The names that an installation answers to. */
export interface TargetNames {
  readonly services: Readonly<Record<string, NamedEndpoint>>
  readonly monitors: Readonly<Record<string, NamedEndpoint>>
  /** Undefined where the datastores were not looked for. */
  readonly datastores?: readonly Datastore[] | undefined
}

/** The target that is not a Service but the API of the cluster itself. */
const CLUSTER = 'cluster'

/**
 * What a word means in an installation. An address needs no names; a Service given with its port may be one that
 * the profile does not list.
 * @throws PgctlError `target-unknown` with the nearest names; `ambiguous-name` with all that fit.
 */
export function resolveTarget(word: TargetWord, names: TargetNames): Target {
  switch (word.kind) {
    case 'host':
      return hostTarget(word)
    case 'service':
      return serviceTarget(word.service, word.port, listedEndpoints(names).get(word.service)?.[0], names)
    case 'name':
      return resolveName(word.name, names)
  }
}

/** An address as a target; for words that stand alone, without an installation. */
export function hostTarget(word: HostWord): Target {
  const { host, port, instance } = word
  const protocol = protocolOfPort(port)
  return {
    kind: 'host',
    name: formatTargetWord(word),
    host,
    port,
    instance,
    protocol,
    protocolCertain: false,
  }
}

function resolveName(name: string, names: TargetNames): Target {
  if (name === CLUSTER) return { kind: 'cluster', name, protocol: { kind: 'tls' }, protocolCertain: true }
  const services = (listedEndpoints(names).get(name) ?? []).map((endpoint) => ({
    target: serviceTarget(name, endpoint.port, endpoint, names),
    otherWord: `${name}:${endpoint.port}`,
  }))
  const datastores = (names.datastores ?? [])
    .filter((store) => store.name === name)
    .map((store) => ({ target: datastoreTarget(store), otherWord: `${store.host}:${store.port}` }))
  const [only, ...others] = [...services, ...datastores]
  if (only === undefined) throw unknownName(name, names)
  if (others.length === 0) return only.target
  const words = [only, ...others].map(({ otherWord }) => otherWord)
  throw new PgctlError('ambiguous-name', `${name} names several things`, {
    why: words.join(', '),
    next: `name the one you mean: pgctl tunnel ${words[0]}`,
  })
}

/** `hermes` and `hermes:1702` are one target where 1702 is the listed port. */
function serviceTarget(
  service: string,
  port: number,
  listed: NamedEndpoint | undefined,
  { monitors }: TargetNames,
): Target {
  const isListed = listed?.port === port
  const protocol: Protocol = isListed ? { kind: 'http', path: listed.health ?? '/' } : protocolOfPort(port)
  const name = isListed ? service : `${service}:${port}`
  const target = { kind: 'service', name, service, port, protocol, protocolCertain: isListed } as const
  return Object.hasOwn(monitors, service) ? { ...target, monitor: true } : target
}

function datastoreTarget({ name, engine, host, port, tls }: Datastore): Target {
  const protocol: Protocol = engine === 'redis' && tls ? { kind: 'tls' } : { kind: engine }
  return { kind: 'host', name, host, port, instance: undefined, protocol, protocolCertain: true }
}

function protocolOfPort(port: number): Protocol {
  switch (port) {
    case 80:
      return { kind: 'http', path: '/' }
    case 443:
    case 6443:
      return { kind: 'tls' }
    case 5432:
      return { kind: 'postgres' }
    case 6379:
      return { kind: 'redis' }
    default:
      return { kind: 'unknown' }
  }
}

/** Endpoints by name; a name that is listed twice with one port is one endpoint. */
function listedEndpoints({ services, monitors }: TargetNames): ReadonlyMap<string, readonly NamedEndpoint[]> {
  const endpoints = new Map<string, NamedEndpoint[]>()
  for (const [name, endpoint] of [...Object.entries(services), ...Object.entries(monitors)]) {
    const known = endpoints.get(name) ?? []
    if (known.every(({ port }) => port !== endpoint.port)) endpoints.set(name, [...known, endpoint])
  }
  return endpoints
}

function unknownName(name: string, names: TargetNames): PgctlError {
  const ofEngine = (names.datastores ?? []).filter((store) => store.engine === name)
  if (ofEngine.length > 0) {
    const list = ofEngine.map((store) => store.name)
    return new PgctlError('ambiguous-name', `there are several ${name} datastores`, {
      why: list.join(', '),
      next: `name one: pgctl tunnel ${list[0]}`,
    })
  }
  const known = [
    CLUSTER,
    ...listedEndpoints(names).keys(),
    ...(names.datastores ?? []).map((store) => store.name),
  ]
  const near = nearest(name, known)
  const forms = 'give a Service with its port (NAME:PORT), or an address (HOST:PORT)'
  const what = `nothing here is called ${name}`
  const engine = /^(postgres|redis)(-|$)/.exec(name)?.[1]
  if (engine !== undefined && names.datastores === undefined)
    return new PgctlError('target-unknown', what, {
      why: 'datastores were not looked for: they are not found by name',
      next: `give its address: pgctl tunnel HOST:${engine === 'redis' ? 6379 : 5432}`,
    })
  return new PgctlError('target-unknown', what, {
    why: `it is neither "${CLUSTER}" nor a service or monitor of the product`,
    next: near.length > 0 ? `did you mean ${near.join(' or ')}? otherwise ${forms}` : forms,
  })
}
