import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { createSecureContext, getCACertificates } from 'node:tls'
import { messageOf, PgctlError } from '#core/errors.ts'

/** The environment's variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Never asked of a proxy: this computer is reached directly, whatever NO_PROXY says. */
const LOOPBACK = 'localhost,127.0.0.1,::1,[::1]'

/** What every connection to the outside goes through, HTTP and WebSocket alike. */
export interface OutboundAgents {
  readonly http: HttpAgent
  readonly https: HttpsAgent
  /** Closes the connections that are kept for reuse. */
  close(): void
}

/**
 * Agents that keep connections, go through the proxies of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, and trust the
 * authorities of the file `AWS_CA_BUNDLE` as well as the usual ones (and those of `NODE_EXTRA_CA_CERTS`).
 * @throws PgctlError `config-invalid`, naming the variable.
 */
export function createOutboundAgents(environment: Environment): OutboundAgents {
  const options = { keepAlive: true, proxyEnv: proxiesOf(environment) }
  const secureContext = trustOf(environment['AWS_CA_BUNDLE'])
  const http = new HttpAgent(options)
  const https = new HttpsAgent({ ...options, ...(secureContext === undefined ? {} : { secureContext }) })
  return {
    http,
    https,
    close() {
      http.destroy()
      https.destroy()
    },
  }
}

function proxiesOf(environment: Environment): Record<string, string> {
  const readVariable = (name: string) => environment[name.toLowerCase()] || environment[name]
  const proxies: Record<string, string> = {}
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) {
    const value = readVariable(name)
    if (value) proxies[name] = proxyUrl(name, value)
  }
  return { ...proxies, NO_PROXY: [readVariable('NO_PROXY'), LOOPBACK].filter(Boolean).join(',') }
}

/** Node goes past a proxy that it does not understand, without a word: someone who named one wants it used. */
function proxyUrl(variable: string, value: string): string {
  const url = URL.parse(/^[a-z0-9+]+:\/\//i.test(value) ? value : `http://${value}`)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href
  throw new PgctlError('config-invalid', `cannot use the proxy that ${variable} names`, {
    why: url === null ? 'it is no URL' : `${url.protocol.slice(0, -1)} proxies are not supported`,
    next: 'write it as http://HOST:PORT, or unset the variable',
  })
}

/** One context for all connections: parsing the authorities costs milliseconds. */
function trustOf(bundle: string | undefined) {
  if (!bundle) return undefined
  try {
    return createSecureContext({ ca: [...getCACertificates('default'), readFileSync(bundle, 'utf8')] })
  } catch (error) {
    throw new PgctlError(
      'config-invalid',
      `cannot read the certificate authorities of AWS_CA_BUNDLE, ${bundle}`,
      {
        why: messageOf(error),
        next: 'name a PEM file that exists, or unset AWS_CA_BUNDLE',
        cause: error,
      },
    )
  }
}
