import type { Clock, Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { ClusterCredentials, ClusterEndpoint } from '#core/kube/credentials.ts'

/** When it ends only its maker knows: it is asked for again soon, and is the same as long as the session lasts. */
const TAKEN_FOR_GOOD: Ms = 60_000

/**
 * The credentials of whoever is logged in on the bastion, which their session brought along. The bastion's own role
 * opens no cluster.
 */
export function broughtCredentials(
  endpoint: ClusterEndpoint,
  token: string | undefined,
  clock: Clock,
): ClusterCredentials {
  return {
    endpoint: async () => endpoint,
    async token(request) {
      if (token === undefined || token === '')
        throw new PgctlError(
          'credentials-missing',
          `this session brought no token for the cluster ${endpoint.name}`,
          {
            why: 'PGCTL_CLUSTER_TOKEN is not set',
            next: 'run the command on your own computer: there it has your credentials',
          },
        )
      if (request?.refused?.value === token)
        throw new PgctlError(
          'credentials-expired',
          `the cluster ${endpoint.name} takes the token of this session no longer`,
          {
            next: 'log in again: a token is good for a quarter of an hour',
          },
        )
      return { value: token, expires: clock.now().wall + TAKEN_FOR_GOOD }
    },
  }
}
