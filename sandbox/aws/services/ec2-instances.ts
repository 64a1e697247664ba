import type { InstanceState, WorldInstance, WorldState } from '#sandbox/world-state.ts'
import { digits, idOf } from '#sandbox/worlds/ids.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { groupIdOf, subnetOf } from '#sandbox/worlds/network.ts'
import type { XmlValue } from '../xml.ts'
import { type Listing, tagSet } from './ec2-listing.ts'

const STATE_CODES: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  stopping: 64,
  stopped: 80,
  terminated: 48,
}

export function instances(state: WorldState): Listing<WorldInstance> {
  return {
    set: 'reservationSet',
    parameter: 'InstanceId',
    prefix: 'i',
    notFound: 'InvalidInstanceID.NotFound',
    malformed: 'InvalidInstanceID.Malformed',
    page: { least: 5, most: 1000 },
    rows: (world) => state.instances(world),
    id: ({ instanceId }) => instanceId,
    tags: ({ tags }) => tags,
    filters: {
      'instance-state-name': ({ state: is }) => is,
      'instance-id': ({ instanceId }) => instanceId,
      'instance-type': ({ type }) => type,
      'private-ip-address': ({ address }) => address,
      'ip-address': ({ publicAddress }) => publicAddress ?? [],
      'vpc-id': (_, { network }) => network.vpcId,
      'subnet-id': ({ address }, world) => subnetOf(world, address).subnetId,
      'availability-zone': ({ address }, world) => zoneOf(world, address),
      'instance.group-id': ({ purpose }, world) => groupIdOf(world, purpose),
      'iam-instance-profile.arn': (instance, world) => profileOf(instance, world).arn,
    },
    describe: reservation,
  }
}

/** Every instance of the world was started on its own, so each has a reservation to itself. */
function reservation(instance: WorldInstance, world: World): XmlValue {
  return {
    reservationId: `r-${instance.instanceId.slice(2)}`,
    ownerId: world.account,
    groupSet: [],
    instancesSet: [describe(instance, world)],
  }
}

function describe(instance: WorldInstance, world: World): XmlValue {
  const { instanceId, address, publicAddress, tags } = instance
  const gone = instance.state === 'terminated'
  const groups = [
    { groupId: groupIdOf(world, instance.purpose), groupName: `${world.workspace}-${instance.purpose}` },
  ]
  return {
    instanceId,
    imageId: instance.imageId,
    instanceState: { code: STATE_CODES[instance.state], name: instance.state },
    privateDnsName: gone ? '' : `ip-${address.replaceAll('.', '-')}.${world.region}.compute.internal`,
    dnsName: '',
    amiLaunchIndex: 0,
    instanceType: instance.type,
    launchTime: new Date(instance.launched).toISOString(),
    placement: { availabilityZone: zoneOf(world, address), tenancy: 'default' },
    monitoring: { state: 'disabled' },
    architecture: 'arm64',
    // A terminated instance keeps its id for an hour, and nothing of its place in the network.
    ...(gone
      ? {}
      : {
          subnetId: subnetOf(world, address).subnetId,
          vpcId: world.network.vpcId,
          privateIpAddress: address,
          ipAddress: publicAddress,
          groupSet: groups,
          iamInstanceProfile: profileOf(instance, world),
          metadataOptions: {
            state: 'applied',
            httpTokens: 'required',
            httpPutResponseHopLimit: 1,
            httpEndpoint: 'enabled',
          },
          networkInterfaceSet: [
            {
              networkInterfaceId: idOf('eni', instanceId),
              subnetId: subnetOf(world, address).subnetId,
              vpcId: world.network.vpcId,
              ownerId: world.account,
              status: 'in-use',
              privateIpAddress: address,
              groupSet: groups,
              association:
                publicAddress === undefined
                  ? undefined
                  : { publicIp: publicAddress, publicDnsName: '', ipOwnerId: 'amazon' },
            },
          ],
        }),
    tagSet: tagSet(tags),
  }
}

export function zoneOf(world: World, address: string): string {
  return `${world.region}${subnetOf(world, address).zone}`
}

/** What lets the bastion's agent register, or the nodes join their cluster. */
function profileOf({ purpose }: WorldInstance, world: World): { arn: string; id: string } {
  const name = purpose === 'bastion' ? world.bastion.role : `${world.workspace}-node`
  return {
    arn: `arn:aws:iam::${world.account}:instance-profile/${name}`,
    id: `AIPA${digits(name, 17).toUpperCase()}`,
  }
}
