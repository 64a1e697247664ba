import type { ClusterToken, TokenRequest } from '#core/kube/credentials.ts'

/**
 * All that is needed to speak to one cluster's API, and nothing about how the way there was made: the address is
 * the API server's own, or one end of a tunnel.
 */
export interface ClusterAccess {
  /** Where to connect: `https://HOST:PORT`, no path. */
  readonly server: string
  /** The name that the certificate must bear, whatever address `server` has; it also names the cluster in errors. */
  readonly tlsServerName: string
  /** The certificate authority of the API server, PEM. */
  readonly ca: string
  /** A token that is good now; called for every request. */
  token(request?: TokenRequest): Promise<ClusterToken>
}
