import type { WorldState } from '#sandbox/world-state.ts'
import { tagsOf, type World } from '#sandbox/worlds/installation.ts'
import { EVERYWHERE, groupIdOf, subnetsOf } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { restJsonDialect } from '../dialects/rest-json.ts'
import { type AwsService, type Input, textIn } from '../service.ts'
import { ACCESS_ROUTES, accessOperations } from './eks-access.ts'

export interface EksOptions {
  readonly state: WorldState
  /** The authority that signed the API server's certificate, PEM. */
  readonly clusterAuthority: string
}

/** EKS with the world's one cluster, whose endpoint only the bastion can resolve. */
export function createEks({ state, clusterAuthority }: EksOptions): AwsService {
  return {
    name: 'eks',
    dialect: restJsonDialect([
      { method: 'GET', path: '/clusters/{name}', operation: 'DescribeCluster' },
      ...ACCESS_ROUTES,
    ]),
    operations: {
      ...accessOperations((name, { world }) => state.accessOf(clusterIn(name, world, state).world)),
      DescribeCluster: {
        resources: (input, { region, caller }) => [
          `arn:aws:eks:${region}:${caller.account}:cluster/${nameOf(input)}`,
        ],
        run(input, { world }) {
          const found = clusterIn(nameOf(input), world, state)
          return { cluster: describe(found.world, found.cluster, state, clusterAuthority) }
        },
      },
    },
  }
}

function clusterIn(name: string, world: World | undefined, state: WorldState) {
  const cluster = world === undefined ? 'missing' : state.knobsOf(world).cluster
  if (world === undefined || name !== world.cluster.name || cluster === 'missing')
    throw new AwsError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404)
  return { world, cluster }
}

function nameOf(input: Input): string {
  return textIn(input, 'name', (why) => new AwsError('InvalidParameterException', why)) ?? ''
}

function describe(world: World, status: 'ACTIVE' | 'CREATING', state: WorldState, authority: string): object {
  const isPublic = state.isExposed(world, 'cluster')
  const known = {
    name: world.cluster.name,
    arn: `arn:aws:eks:${world.region}:${world.account}:cluster/${world.cluster.name}`,
    createdAt: state.began / 1000 - 90 * 24 * 3600,
    version: world.cluster.version,
    roleArn: `arn:aws:iam::${world.account}:role/${world.workspace}-eks`,
    status,
    tags: tagsOf(world, world.cluster.name),
    resourcesVpcConfig: {
      subnetIds: subnetsOf(world, 'private').map(({ subnetId }) => subnetId),
      vpcId: world.network.vpcId,
      securityGroupIds: [],
      clusterSecurityGroupId: groupIdOf(world, 'cluster'),
      endpointPublicAccess: isPublic,
      endpointPrivateAccess: true,
      publicAccessCidrs: isPublic ? [EVERYWHERE] : [],
    },
    kubernetesNetworkConfig: { serviceIpv4Cidr: '172.20.0.0/16', ipFamily: 'ipv4' },
  }
  // A cluster that is still being made has neither an address nor a certificate.
  if (status === 'CREATING') return known
  return {
    ...known,
    endpoint: `https://${world.cluster.host}`,
    certificateAuthority: { data: Buffer.from(authority).toString('base64') },
  }
}
