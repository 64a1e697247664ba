import { PgctlError } from '#core/errors.ts'
import { type Datastore, ENGINES, type Engine } from '#core/installation/datastores.ts'
import type { Unreadable } from '#core/installation/inventory.ts'
import { nearest } from '#core/text/nearest.ts'
import { formatHostPort } from '#core/tunnel/host-port.ts'
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
      /** The names of all of the product's monitors where it is one: not every installation has them. */
      readonly monitors?: readonly string[]
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

/** A datastore, as far as it matters to whoever wants to reach it. */
export type NamedDatastore = Pick<
  Datastore,
  'name' | 'engine' | 'status' | 'endpoints' | 'encryptedInTransit'
>

/** The datastores of an installation, as they were found. */
export interface KnownDatastores {
  readonly found: readonly NamedDatastore[]
  /** What of them could not be read, and may be there. */
  readonly unreadable: readonly Unreadable[]
}

/** The names that an installation answers to. */
export interface TargetNames {
  readonly services: Readonly<Record<string, NamedEndpoint>>
  readonly monitors: Readonly<Record<string, NamedEndpoint>>
  readonly datastores: KnownDatastores
}

/** For words that name no datastore. */
export const NO_DATASTORES: KnownDatastores = { found: [], unreadable: [] }

/** The target that is not a Service but the API of the cluster itself. */
const CLUSTER = 'cluster'

/**
 * What a word means in an installation. An address needs no names; a Service given with its port may be one that
 * the profile does not list.
 * @throws PgctlError `target-unknown` with the nearest names; `ambiguous-name` with all that fit; the refusal where the
 * datastore that is named could not be looked for; `far-end-refused` for one that has no address yet.
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

/**
 * The engines among whose datastores a word may be found; none for one that the product itself knows or nearly does.
 * A word that begins with an engine's name is looked for there alone.
 */
export function enginesFor(
  word: TargetWord,
  names: Pick<TargetNames, 'services' | 'monitors'>,
): readonly Engine[] {
  if (word.kind !== 'name' || word.name === CLUSTER) return []
  const { name } = word
  if (Object.hasOwn(names.services, name) || Object.hasOwn(names.monitors, name)) return []
  const engine = engineIn(name)
  if (engine !== undefined) return [engine]
  const known = [CLUSTER, ...Object.keys(names.services), ...Object.keys(names.monitors)]
  return nearest(name, known).length > 0 ? [] : ENGINES
}

function engineIn(name: string): Engine | undefined {
  return ENGINES.find((engine) => name === engine || name.startsWith(`${engine}-`))
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
  const datastores = names.datastores.found
    .filter((store) => store.name === name)
    .map((store) => {
      const target = datastoreTarget(store)
      return { target, otherWord: formatHostPort(target.host, target.port) }
    })
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
  return Object.hasOwn(monitors, service) ? { ...target, monitors: Object.keys(monitors) } : target
}

/**
 * A datastore as a target.
 * @throws PgctlError `far-end-refused` for one that has no address yet.
 */
export function datastoreTarget({
  name,
  status,
  endpoints,
  ...store
}: NamedDatastore): Extract<Target, { kind: 'host' }> {
  const [first] = endpoints
  if (first === undefined)
    throw new PgctlError('far-end-refused', `${name} has no address yet`, {
      why: `it is ${status}`,
      next: 'wait until it is available: pgctl status shows it',
    })
  return {
    kind: 'host',
    name,
    ...first,
    instance: undefined,
    protocol: protocolOf(store),
    protocolCertain: true,
  }
}

/** Behind TLS a probe asks for TLS alone; Postgres negotiates it in words of its own. */
function protocolOf({
  engine,
  encryptedInTransit,
}: Pick<Datastore, 'engine' | 'encryptedInTransit'>): Protocol {
  if (engine === 'postgres') return { kind: 'postgres' }
  if (encryptedInTransit === true) return { kind: 'tls' }
  return engine === 'redis' ? { kind: 'redis' } : { kind: 'unknown' }
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
  const { found, unreadable } = names.datastores
  const engine = engineIn(name)
  const ofEngine = found.filter((store) => store.engine === name).map((store) => store.name)
  if (ofEngine.length > 0)
    return new PgctlError('ambiguous-name', `there are several ${name} datastores`, {
      why: ofEngine.join(', '),
      next: `name one: pgctl tunnel ${ofEngine[0]}`,
    })
  // What was refused explains better than what was found why there is no such datastore.
  const refused = engine === undefined ? undefined : unreadable.find(({ part }) => part === engine)
  if (refused !== undefined) return refused.error
  const stores = found.map((store) => store.name)
  const near = nearest(name, [CLUSTER, ...listedEndpoints(names).keys(), ...stores])
  const forms = 'give a Service with its port (NAME:PORT), or an address (HOST:PORT)'
  return new PgctlError('target-unknown', `nothing here is called ${name}`, {
    why: [
      `it is neither "${CLUSTER}" nor a service, monitor or datastore`,
      engine !== undefined && found.every((store) => store.engine !== engine)
        ? `no ${engine} was found`
        : undefined,
      stores.length > 0 ? `the datastores are ${stores.join(', ')}` : undefined,
      unreadable.length > 0
        ? `some could not be looked for, which needs ${actionsOf(unreadable)}`
        : undefined,
    ]
      .filter((clause) => clause !== undefined)
      .join('; '),
    next: near.length > 0 ? `did you mean ${near.join(' or ')}? otherwise ${forms}` : forms,
  })
}

function actionsOf(unreadable: readonly Unreadable[]): string {
  return [...new Set(unreadable.map(({ action }) => action))].join(', ')
}
