import type { WorldState } from '#sandbox/world-state.ts'
import type { World } from '#sandbox/worlds/installation.ts'
import { EVERYWHERE, type Rule, type SecurityGroup, securityGroups } from '#sandbox/worlds/network.ts'
import type { XmlValue } from '../xml.ts'
import { type Listing, tagSet } from './ec2-listing.ts'

export function securityGroupListing(state: WorldState): Listing<SecurityGroup> {
  return {
    set: 'securityGroupInfo',
    parameter: 'GroupId',
    prefix: 'sg',
    notFound: 'InvalidGroup.NotFound',
    malformed: 'InvalidGroupId.Malformed',
    page: { least: 5, most: 1000 },
    rows: (world) => securityGroups(world).map((group) => opened(group, world, state)),
    id: ({ id }) => id,
    tags: ({ tags }) => tags,
    filters: {
      'group-id': ({ id }) => id,
      'group-name': ({ name }) => name,
      'vpc-id': (_, { network }) => network.vpcId,
      description: ({ description }) => description,
      'owner-id': (_, { account }) => account,
      'ip-permission.cidr': ({ inbound }) =>
        inbound.flatMap(({ source }) => ('cidr' in source ? [source.cidr] : [])),
      'ip-permission.from-port': ({ inbound }) => inbound.map(({ from }) => String(from)),
      'ip-permission.to-port': ({ inbound }) => inbound.map(({ to }) => String(to)),
    },
    describe: ({ id, name, description, tags, inbound }, world) => ({
      ownerId: world.account,
      groupId: id,
      groupName: name,
      groupDescription: description,
      vpcId: world.network.vpcId,
      securityGroupArn: `arn:aws:ec2:${world.region}:${world.account}:security-group/${id}`,
      ipPermissions: inbound.map((rule) => permission(rule, world)),
      // Terraform's groups let everything out.
      ipPermissionsEgress: [
        {
          ipProtocol: '-1',
          groups: [],
          ipRanges: [{ cidrIp: EVERYWHERE }],
          ipv6Ranges: [],
          prefixListIds: [],
        },
      ],
      tagSet: tagSet(tags),
    }),
  }
}

/** The group with what the knobs have opened. */
function opened(group: SecurityGroup, world: World, state: WorldState): SecurityGroup {
  const port = { bastion: 22, postgres: 5432 }[group.name.slice(world.workspace.length + 1)]
  const knob = port === 22 ? 'bastion-port' : 'database'
  if (port === undefined || !state.isExposed(world, knob)) return group
  return { ...group, inbound: [...group.inbound, { from: port, to: port, source: { cidr: EVERYWHERE } }] }
}

function permission({ from, to, source }: Rule, { account }: World): XmlValue {
  return {
    ipProtocol: 'tcp',
    fromPort: from,
    toPort: to,
    groups: 'groupId' in source ? [{ userId: account, groupId: source.groupId }] : [],
    ipRanges: 'cidr' in source ? [{ cidrIp: source.cidr }] : [],
    ipv6Ranges: [],
    prefixListIds: [],
  }
}
