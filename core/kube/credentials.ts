import type { Ms } from '#core/clock.ts'

/** Where a cluster's API answers and how its certificate is checked. */
export interface ClusterEndpoint {
  /** The cluster's name, for messages. */
  readonly name: string
  /** The API server's real host name: the name on its certificate, whatever address a tunnel gives it. */
  readonly host: string
  readonly port: number
  /** The certificate authority of the API server, PEM. */
  readonly ca: string
}

/** A bearer token of the cluster's API. */
export interface ClusterToken {
  /** Secret: never logged, never in argv. */
  readonly value: string
  /** Wall-clock moment at which it stops being good. */
  readonly expires: Ms
}

/**
 * The right to call one cluster's API. Both methods may be called for every request: what they need from the cloud
 * is fetched once, and a token is renewed before it expires. They throw a `PgctlError` that names the cluster.
 */
export interface ClusterCredentials {
  endpoint(signal?: AbortSignal): Promise<ClusterEndpoint>
  token(request?: TokenRequest): Promise<ClusterToken>
}

export interface TokenRequest {
  /** The cluster has just turned this one away: another one is wanted, if another one can be had. */
  readonly refused?: ClusterToken | undefined
  readonly signal?: AbortSignal | undefined
}
