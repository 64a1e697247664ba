import type { WorldState } from '#sandbox/world-state.ts'
import { ec2Dialect } from '../dialects/query.ts'
import type { AwsService } from '../service.ts'
import { addresses, endpoints, internetGateways, natGatewayListing } from './ec2-gateways.ts'
import { describeImages } from './ec2-images.ts'
import { instances } from './ec2-instances.ts'
import { interfaces } from './ec2-interfaces.ts'
import { launchTemplateOperations } from './ec2-launch-templates.ts'
import { describeOperation } from './ec2-listing.ts'
import { routeTableListing, subnets, vpcs } from './ec2-network.ts'
import { connectEndpoints, serialConsoleStatus } from './ec2-other-ways.ts'
import { securityGroupListing } from './ec2-security-groups.ts'

/** EC2 with the world's instances and the network around them. */
export function createEc2(state: WorldState): AwsService {
  return {
    name: 'ec2',
    dialect: ec2Dialect('2016-11-15'),
    operations: {
      DescribeInstances: describeOperation(instances(state)),
      DescribeVpcs: describeOperation(vpcs),
      DescribeSubnets: describeOperation(subnets),
      DescribeRouteTables: describeOperation(routeTableListing),
      DescribeNatGateways: describeOperation(natGatewayListing),
      DescribeInternetGateways: describeOperation(internetGateways),
      DescribeAddresses: describeOperation(addresses(state)),
      DescribeVpcEndpoints: describeOperation(endpoints),
      DescribeInstanceConnectEndpoints: describeOperation(connectEndpoints(state)),
      GetSerialConsoleAccessStatus: serialConsoleStatus(state),
      DescribeNetworkInterfaces: describeOperation(interfaces(state)),
      ...launchTemplateOperations(state),
      DescribeImages: describeImages(state),
      DescribeSecurityGroups: describeOperation(securityGroupListing(state)),
    },
  }
}
