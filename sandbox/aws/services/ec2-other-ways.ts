import type { WorldState } from '#sandbox/world-state.ts'
import { idOf } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { groupIdOf, subnetsOf } from '#sandbox/worlds/network.ts'
import type { Operation } from '../service.ts'
import type { Listing } from './ec2-listing.ts'

/** The ways to an instance that need no session: an EC2 Instance Connect Endpoint, and the serial console. */

/** The endpoint that the knobs have put beside the bastion. */
export function connectEndpoints(state: WorldState): Listing<{ readonly id: string }> {
  return {
    set: 'instanceConnectEndpointSet',
    parameter: 'InstanceConnectEndpointId',
    prefix: 'eice',
    notFound: 'InvalidInstanceConnectEndpointId.NotFound',
    malformed: 'InvalidInstanceConnectEndpointId.Malformed',
    page: { least: 1, most: 50 },
    rows: (world) =>
      state.knobsOf(world).otherWays.includes('instance-connect')
        ? [{ id: idOf('eice', world.workspace) }]
        : [],
    id: ({ id }) => id,
    tags: () => ({}),
    filters: {
      'instance-connect-endpoint-id': ({ id }) => id,
      state: () => 'create-complete',
      'subnet-id': (_, world) => subnetOf(world),
      'vpc-id': (_, { network }) => network.vpcId,
    },
    describe: ({ id }, world) => ({
      ownerId: world.account,
      instanceConnectEndpointId: id,
      instanceConnectEndpointArn: `arn:aws:ec2:${world.region}:${world.account}:instance-connect-endpoint/${id}`,
      state: 'create-complete',
      stateMessage: '',
      dnsName: `${id}.b7f0c1d2.ec2-instance-connect-endpoint.${world.region}.amazonaws.com`,
      networkInterfaceIdSet: [idOf('eni', id)],
      vpcId: world.network.vpcId,
      availabilityZone: `${world.region}a`,
      createdAt: '2026-03-02T09:20:11.000Z',
      subnetId: subnetOf(world),
      preserveClientIp: 'false',
      securityGroupIdSet: [groupIdOf(world, 'bastion')],
    }),
  }
}

function subnetOf(world: World): string {
  return subnetsOf(world, 'private')[0]?.subnetId ?? ''
}

/** Whether the account lets anybody onto serial consoles. */
export function serialConsoleStatus(state: WorldState): Operation {
  return {
    resources: () => [],
    run: (_, { world }) => ({
      serialConsoleAccessEnabled:
        world !== undefined && state.knobsOf(world).otherWays.includes('serial-console') ? 'true' : 'false',
    }),
  }
}
