import { hash } from 'node:crypto'

/**
 * What of a person's environment goes with a request to the supervisor: whatever chooses credentials, configuration
 * and the ways out, and nothing else, so that two terminals of one person are one and the same.
 */

const PREFIXES = ['AWS_', 'XDG_', 'SSL_CERT_']
const NAMES = new Set([
  ...['HOME', 'USER', 'USERNAME', 'LOGNAME', 'TZ', 'LANG', 'NODE_EXTRA_CA_CERTS'],
  ...['PGCTL_CONFIG', 'PGCTL_REGION', 'PGCTL_PROFILE'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'],
])
/** Carried, as helpers that print credentials are found by them, and no part of who somebody is. */
const HELPERS = new Set([
  'PATH',
  'NODE_OPTIONS',
  'SHELL',
  'SSH_AUTH_SOCK',
  'DISPLAY',
  'DBUS_SESSION_BUS_ADDRESS',
])
/** Whichever installation is chosen, it is by the same credentials. */
const CHOICES = new Set(['PGCTL_INSTALLATION', 'PGCTL_BIND', 'PGCTL_BACKGROUND'])

export type Variables = Readonly<Record<string, string>>

export function carriedEnvironment(environment: Readonly<Record<string, string | undefined>>): Variables {
  const carried: Record<string, string> = {}
  for (const name of Object.keys(environment).sort()) {
    const value = environment[name]
    if (value !== undefined && (isPartOfWho(name) || HELPERS.has(name) || CHOICES.has(name)))
      carried[name] = value
  }
  return carried
}

/**
 * Stands for whose credentials an environment means, and for the configuration of `installation`: of two projects
 * each may call another one `prod`. It tells none of them.
 */
export function whoOf(environment: Variables, installation?: object): string {
  const parts = Object.keys(environment)
    .filter(isPartOfWho)
    .sort()
    .map((name) => [name, environment[name]])
  return hash('sha256', JSON.stringify([parts, installation]), 'hex').slice(0, 32)
}

function isPartOfWho(name: string): boolean {
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))
}
