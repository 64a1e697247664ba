import type { Clock } from '#core/clock.ts'
import { isPgctlError, messageOf, PgctlError } from '#core/errors.ts'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import type { ClusterCredentials } from '#core/kube/credentials.ts'
import type { Dialer } from '#core/tunnel/dialer.ts'
import type { Listen } from '#core/tunnel/listener.ts'

/** Access to a cluster's API through a tunnel. Disposal ends it, and leaves the dialer to whoever had opened it. */
export interface TunnelledAccess extends ClusterAccess, AsyncDisposable {
  /**
   * The same failure with what the tunnel knows of it: a client of the API only sees that its connection broke.
   * Anything else is given back as it is.
   */
  explain(error: unknown): unknown
}

/**
 * Makes the API that `dialer` leads to reachable for an HTTPS client, on a private port of the loopback. Others on
 * this computer may connect to that port as well, and meet what anyone who reaches the API meets: TLS and a token.
 */
export async function openClusterAccess(
  dialer: Dialer,
  credentials: ClusterCredentials,
  { listen, clock }: { readonly listen: Listen; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<TunnelledAccess> {
  const { host, ca } = await credentials.endpoint(signal)
  let failure: unknown
  const connect = async (signal: AbortSignal) => {
    try {
      const stream = await dialer.connect(signal)
      stream.once('error', (error) => {
        failure = error
      })
      return stream
    } catch (error) {
      failure = error
      throw error
    }
  }
  const listener = await listen({
    plan: { kind: 'any' },
    bind: '127.0.0.1',
    clock,
    connect,
    report: () => {},
  })
  return {
    server: `https://${listener.address}:${listener.port}`,
    tlsServerName: host,
    ca,
    token: (request) => credentials.token(request),
    explain: (error) => explained(error, failure),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  }
}

/** Only a broken connection leaves something to explain. */
function explained(error: unknown, failure: unknown): unknown {
  if (!isPgctlError(error, 'cluster-unreachable') || failure === undefined) return error
  if (isPgctlError(failure, 'session-ended') || isPgctlError(failure, 'session-lost')) return failure
  const { why, next } = isPgctlError(failure) ? failure : {}
  const reasons = [messageOf(failure), why].filter((reason) => reason !== undefined)
  return new PgctlError(error.code, error.message, {
    why: reasons.join(': '),
    next: next ?? error.next,
    cause: error,
  })
}
