import type { SecurityGroup as DescribedGroup, IpPermission } from '@aws-sdk/client-ec2'
import type { AwsConnection } from '#core/aws/clients.ts'
import { ec2Client } from '#core/aws/ec2-client.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy } from '#core/aws/sdk-client.ts'
import type { InboundRule, SecurityGroup } from '#core/installation/network.ts'

export const DESCRIBE_SECURITY_GROUPS = 'ec2:DescribeSecurityGroups'

/** The groups with these ids, in the order of the ids; one that is gone is left out. */
export async function describeSecurityGroups(
  connection: AwsConnection,
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<SecurityGroup[]> {
  const call = {
    action: DESCRIBE_SECURITY_GROUPS,
    purpose: `look for the security groups ${ids.join(', ')}`,
  }
  const groups = await connection.call(call, signal, async () => {
    const { DescribeSecurityGroupsCommand } = await import('@aws-sdk/client-ec2')
    const client = await ec2Client(connection)
    const Filters = [{ Name: 'group-id', Values: [...ids] }]
    return await readPages(
      'security groups',
      (NextToken) =>
        client.send(new DescribeSecurityGroupsCommand({ Filters, NextToken }), abortedBy(signal)),
      ({ SecurityGroups, NextToken }) => ({ items: SecurityGroups, next: NextToken }),
    )
  })
  return groups.flatMap(toGroup).sort((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id))
}

function toGroup({ GroupId: id, GroupName, IpPermissions = [] }: DescribedGroup): SecurityGroup[] {
  return id === undefined ? [] : [{ id, name: GroupName, inbound: IpPermissions.map(toRule) }]
}

/** Port -1 is every type of ICMP, which has no ports. */
function toRule(permission: IpPermission): InboundRule {
  const { IpProtocol = '-1', FromPort, ToPort } = permission
  const hasPorts =
    FromPort !== undefined && ToPort !== undefined && FromPort >= 0 && !/^icmp/.test(IpProtocol)
  return {
    protocol: IpProtocol === '-1' ? 'all' : IpProtocol,
    ports: hasPorts ? [FromPort, ToPort] : undefined,
    sources: [
      ...(permission.IpRanges ?? []).map(({ CidrIp }) => CidrIp),
      ...(permission.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6),
      ...(permission.UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId),
      ...(permission.PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId),
    ].filter((source) => source !== undefined),
  }
}
