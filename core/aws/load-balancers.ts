import type {
  LoadBalancer as Described,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { LoadBalancer } from '#core/installation/network.ts'

export const DESCRIBE_LOAD_BALANCERS = 'elasticloadbalancing:DescribeLoadBalancers'

const clientOf = clientPerConnection<ElasticLoadBalancingV2Client>(async (settings) => {
  const { ElasticLoadBalancingV2Client } = await import('@aws-sdk/client-elastic-load-balancing-v2')
  return new ElasticLoadBalancingV2Client(settings)
})

/** A load balancer, and the network that it stands in. */
export interface PlacedLoadBalancer extends LoadBalancer {
  readonly vpcId: string | undefined
}

/**
 * Those of the account and region: the service takes no filter but exact names, and whoever stands in an
 * installation's network belongs to it whatever its name is.
 */
export async function describeLoadBalancers(
  connection: AwsConnection,
  signal?: AbortSignal,
): Promise<PlacedLoadBalancer[]> {
  const call = { action: DESCRIBE_LOAD_BALANCERS, purpose: 'look for load balancers' }
  const balancers = await connection.call(call, signal, async () => {
    const { DescribeLoadBalancersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2')
    const client = await clientOf(connection)
    return await readPages(
      'load balancers',
      (Marker) => client.send(new DescribeLoadBalancersCommand({ Marker }), abortedBy(signal)),
      ({ LoadBalancers, NextMarker }) => ({ items: LoadBalancers, next: NextMarker }),
    )
  })
  return balancers.flatMap(toLoadBalancer)
}

function toLoadBalancer(described: Described): PlacedLoadBalancer[] {
  const {
    LoadBalancerName: name,
    Type = 'unknown',
    Scheme,
    DNSName,
    State,
    AvailabilityZones = [],
  } = described
  if (name === undefined) return []
  return [
    {
      name,
      type: Type,
      internetFacing: Scheme === 'internet-facing',
      host: DNSName,
      state: State?.Code ?? 'unknown',
      zones: AvailabilityZones.flatMap(({ ZoneName }) => ZoneName ?? []),
      vpcId: described.VpcId,
    },
  ]
}
