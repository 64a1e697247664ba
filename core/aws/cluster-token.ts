import type { AwsConnection } from '#core/aws/clients.ts'
import { describeCluster } from '#core/aws/eks.ts'
import { presignCallerIdentity } from '#core/aws/presign.ts'
import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import type { Cluster } from '#core/installation/inventory.ts'
import type { ClusterCredentials, ClusterToken } from '#core/kube/credentials.ts'

/** What a token of the cluster starts with; the rest is a presigned identity request. */
const TOKEN_PREFIX = 'k8s-aws-v1.'
/** Binds the request to one cluster, so that another cluster cannot use it. */
const CLUSTER_HEADER = 'x-k8s-aws-id'
/** The cluster accepts a token for this long after its signature. */
const LIFETIME: Ms = 15 * 60_000
const RENEWAL_MARGIN: Ms = 60_000

/**
 * Access to the API of the EKS cluster `clusterName` with tokens that we sign ourselves. `known` spares the lookup
 * where discovery has made it already.
 */
export function createClusterCredentials(
  connection: AwsConnection,
  clusterName: string,
  known?: Cluster,
): ClusterCredentials {
  let cluster = known
  let latest: { readonly token: Promise<ClusterToken>; renewAt: Ms; value?: string } | undefined

  return {
    async endpoint(signal) {
      cluster ??= await findCluster(connection, clusterName, signal)
      const { name, host, port, ca } = cluster
      return { name, host, port, ca }
    },

    async token({ refused } = {}) {
      const { wall } = connection.clock.now()
      const turnedAway = refused !== undefined && refused.value === latest?.value
      if (latest !== undefined && wall < latest.renewAt && !turnedAway) return latest.token
      const signing: typeof latest = { token: signToken(connection, clusterName, wall), renewAt: Infinity }
      latest = signing
      try {
        const token = await signing.token
        signing.renewAt = token.expires - RENEWAL_MARGIN
        signing.value = token.value
        return token
      } catch (error) {
        if (latest === signing) latest = undefined
        throw error
      }
    },
  }
}

async function findCluster(
  connection: AwsConnection,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Cluster> {
  const cluster = await describeCluster(connection, name, signal)
  if (cluster !== undefined) return cluster
  throw new PgctlError('cluster-missing', `there is no cluster ${name} in ${connection.region}`, {
    next: 'check the workspace and the region of the installation: pgctl config',
  })
}

/** A token ends with the credentials that signed it, if they end first. */
async function signToken(connection: AwsConnection, clusterName: string, now: Ms): Promise<ClusterToken> {
  const credentials = await connection.credentials()
  const url = await presignCallerIdentity({
    region: connection.region,
    environment: connection.environment,
    credentials,
    headers: { [CLUSTER_HEADER]: clusterName },
    now,
  })
  return {
    value: TOKEN_PREFIX + Buffer.from(url, 'utf8').toString('base64url'),
    expires: Math.min(now + LIFETIME, credentials.expires ?? Infinity),
  }
}
