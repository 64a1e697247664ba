import { PgctlError } from '#core/errors.ts'
import { formatHostPort, isLoopbackHost, parseHost, parseLabel, parsePort } from '#core/tunnel/host-port.ts'

/**
 * The words after `pgctl tunnel`, read without knowing any installation.
 *
 * ```
 *   grafana               a name: of a monitor, a Service, a datastore, or `cluster`
 *   hermes:1702           a Service of the cluster, a single label, with its port
 *   db.internal:5432      an address: a name with a dot, IPv4 or [IPv6], or localhost (the bastion itself)
 *   i-0123… HOST:PORT     the same by a given instance; needs no installation
 * ```
 */
export type TargetWord =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'service'; readonly service: string; readonly port: number }
  | HostWord

export interface HostWord {
  readonly kind: 'host'
  /** Canonical; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  /** The instance named before it; undefined where the installation's bastion is meant. */
  readonly instance: string | undefined
}

const INSTANCE = /^(i|mi)-[0-9a-f]{8,17}$/i
const CLUSTER_NAME = /^([^.]+)\.([^.]+)\.svc(\.|$)/

/**
 * Reads all target words of a command line, in order; an instance id applies to the addresses after it.
 * @throws PgctlError `usage`, naming the word.
 */
export function parseTargets(words: readonly string[]): TargetWord[] {
  const targets: TargetWord[] = []
  let instance: string | undefined
  let unused: string | undefined
  for (const word of words) {
    if (INSTANCE.test(word)) {
      if (unused !== undefined) throw danglingInstance(unused)
      instance = unused = word.toLowerCase()
      continue
    }
    targets.push(instance === undefined ? parseTarget(word) : throughInstance(instance, word))
    unused = undefined
  }
  if (unused !== undefined) throw danglingInstance(unused)
  refuseRepeated(targets)
  return targets
}

/**
 * Reads one target word.
 * @throws PgctlError `usage`, saying what is wrong with the word.
 */
export function parseTarget(word: string): TargetWord {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word))
    throw badTarget(word, 'it is a URL', 'leave out the scheme and the path')
  const bracketed = /^(\[[^\]]*\])(?::(.*))?$/.exec(word)
  if (bracketed) return parseAddress(word, bracketed[1] as string, bracketed[2])
  const [name = '', port, ...rest] = word.split(':')
  if (rest.length > 0)
    throw badTarget(word, 'it has more than one colon', 'write an IPv6 address in brackets: [fd00::1]:5432')
  if (name.includes('.') || name.toLowerCase() === 'localhost') return parseAddress(word, name, port)
  return parseServiceOrName(word, name, port)
}

/** How a word is written once it is read: two spellings of one target give the same text. */
export function formatTargetWord(word: TargetWord): string {
  switch (word.kind) {
    case 'name':
      return word.name
    case 'service':
      return `${word.service}:${word.port}`
    case 'host':
      return formatHostPort(isSingleLabel(word.host) ? `${word.host}.` : word.host, word.port)
  }
}

/** Without its final dot, such a host would read as a Service. */
function isSingleLabel(host: string): boolean {
  return !/[.:]/.test(host) && !isLoopbackHost(host)
}

function parseServiceOrName(word: string, text: string, portText: string | undefined): TargetWord {
  const name = parseLabel(text)
  if (name === undefined) throw badTarget(word, 'a name is letters, digits and dashes', undefined)
  if (portText === undefined) return { kind: 'name', name }
  return { kind: 'service', service: name, port: requirePort(word, portText) }
}

function parseAddress(word: string, hostText: string, portText: string | undefined): HostWord {
  const host = parseHost(hostText)
  if (host === undefined)
    throw badTarget(word, `${JSON.stringify(hostText)} is neither a host name nor an address`, undefined)
  const inCluster = CLUSTER_NAME.exec(host)
  if (inCluster)
    throw badTarget(
      word,
      'a bastion cannot resolve the names of a cluster',
      `name the Service alone: ${inCluster[1]}:${portText ?? 'PORT'}`,
    )
  if (portText === undefined)
    throw badTarget(
      word,
      'an address needs a port',
      `add the port: ${host.includes(':') ? `[${host}]` : host}:PORT`,
    )
  return { kind: 'host', host, port: requirePort(word, portText), instance: undefined }
}

function requirePort(word: string, text: string): number {
  const port = parsePort(text)
  if (port !== undefined) return port
  throw badTarget(word, text === '' ? 'the port is missing' : 'a port is a number from 1 to 65535', undefined)
}

function throughInstance(instance: string, word: string): HostWord {
  const target = parseTarget(word)
  if (target.kind === 'host') return { ...target, instance }
  throw badTarget(
    word,
    `after an instance (${instance}) only an address can stand: names belong to an installation`,
    'give HOST:PORT; for a host name without a dot write the dot at its end: HOST.:PORT',
  )
}

function danglingInstance(instance: string): PgctlError {
  return new PgctlError('usage', `nothing to reach through ${instance}`, {
    why: 'an instance is followed by at least one address',
    next: `add the address: pgctl tunnel ${instance} HOST:PORT`,
  })
}

function refuseRepeated(targets: readonly TargetWord[]): void {
  const seen = new Set<string>()
  for (const target of targets) {
    const instance = target.kind === 'host' ? target.instance : undefined
    const text = formatTargetWord(target)
    const key = `${instance ?? ''} ${text}`
    if (seen.has(key))
      throw new PgctlError('usage', `${text} is named twice`, {
        next: 'name it once: one tunnel carries any number of connections',
      })
    seen.add(key)
  }
}

const FORMS =
  'give a name (grafana), a Service (hermes:1702) or an address (db.internal:5432, [fd00::1]:5432)'

/** The word is quoted as JSON, so that control characters in it reach no terminal. */
function badTarget(word: string, why: string, next: string | undefined): PgctlError {
  return new PgctlError('usage', `${JSON.stringify(word)} is not a target`, { why, next: next ?? FORMS })
}
