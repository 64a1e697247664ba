import { type AwsConnection, withEndpoint } from '#core/aws/clients.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { Cluster } from '#core/installation/inventory.ts'

export const DESCRIBE_CLUSTER = 'eks:DescribeCluster'
const HTTPS_PORT = 443

/**
 * The cluster of that name; undefined where there is none.
 * @throws PgctlError `cluster-unreachable` while the cluster has no endpoint yet.
 */
export async function describeCluster(
  connection: AwsConnection,
  name: string,
  signal?: AbortSignal,
): Promise<Cluster | undefined> {
  const call = { action: DESCRIBE_CLUSTER, purpose: `look for the cluster ${name}`, resource: name }
  try {
    const cluster = await connection.call(call, signal, async () => {
      const { DescribeClusterCommand, EKSClient } = await import('@aws-sdk/client-eks')
      const client = new EKSClient(withEndpoint(connection.settings, 'eks'))
      const output = await client.send(
        new DescribeClusterCommand({ name }),
        signal === undefined ? {} : { abortSignal: signal },
      )
      return output.cluster
    })
    return toCluster(name, cluster)
  } catch (error) {
    if (isPgctlError(error, 'cluster-missing')) return undefined
    throw error
  }
}

/** The fields of the answer that we read. */
interface DescribedCluster {
  readonly endpoint?: string | undefined
  readonly certificateAuthority?: { readonly data?: string | undefined } | undefined
  readonly version?: string | undefined
  readonly status?: string | undefined
  readonly resourcesVpcConfig?:
    | {
        readonly vpcId?: string | undefined
        readonly clusterSecurityGroupId?: string | undefined
        readonly endpointPublicAccess?: boolean | undefined
        readonly publicAccessCidrs?: string[] | undefined
      }
    | undefined
}

function toCluster(name: string, described: DescribedCluster | undefined): Cluster {
  const { endpoint = '', certificateAuthority, version, status, resourcesVpcConfig } = described ?? {}
  const ca = certificateAuthority?.data ?? ''
  const url = URL.parse(endpoint)
  const state = (status ?? 'unknown').toLowerCase()
  if (url === null || ca === '')
    throw new PgctlError('cluster-unreachable', `cannot use the cluster ${name}: it has no endpoint`, {
      why: `its status is ${state}`,
      next: 'wait until it is active: pgctl status shows it',
    })
  return {
    name,
    host: url.hostname,
    port: url.port === '' ? HTTPS_PORT : Number(url.port),
    ca: Buffer.from(ca, 'base64').toString('utf8'),
    version,
    status: state,
    vpcId: resourcesVpcConfig?.vpcId,
    securityGroup: resourcesVpcConfig?.clusterSecurityGroupId,
    publicAccess: publicAccessOf(resourcesVpcConfig),
  }
}

function publicAccessOf(config: DescribedCluster['resourcesVpcConfig']): Cluster['publicAccess'] {
  if (config?.endpointPublicAccess === undefined) return undefined
  // Without a list, everybody is let in.
  return config.endpointPublicAccess ? (config.publicAccessCidrs ?? ['0.0.0.0/0']) : []
}
