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
  try {
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
  } catch (error) {
    throw new PgctlError('config-invalid', 'cannot use the proxy that HTTPS_PROXY or HTTP_PROXY names', {
      why: messageOf(error),
      next: 'write it as http://HOST:PORT, or unset the variable',
    })
  }
}

function proxiesOf(environment: Environment): Record<string, string> {
  const proxies: Record<string, string> = {}
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    const value = environment[name.toLowerCase()] || environment[name]
    if (value) proxies[name] = value
  }
  return { ...proxies, NO_PROXY: [proxies['NO_PROXY'], LOOPBACK].filter(Boolean).join(',') }
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
