import { WORLD } from '#sandbox/world.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { AwsError } from '../aws-error.ts'
import { restJsonDialect } from '../dialects/rest-json.ts'
import { type AwsService, type Input, textIn } from '../service.ts'

export interface EksOptions {
  readonly state: WorldState
  /** The authority that signed the API server's certificate, PEM. */
  readonly clusterAuthority: string
}

/** EKS with the world's one cluster, whose endpoint only the bastion can resolve. */
export function createEks({ state, clusterAuthority }: EksOptions): AwsService {
  return {
    name: 'eks',
    dialect: restJsonDialect([{ method: 'GET', path: '/clusters/{name}', operation: 'DescribeCluster' }]),
    operations: {
      DescribeCluster: {
        resources: (input) => [`arn:aws:eks:${WORLD.region}:${WORLD.account}:cluster/${nameOf(input)}`],
        run(input, { caller }) {
          const name = nameOf(input)
          const { cluster } = state.knobs
          if (name !== WORLD.cluster.name || cluster === 'missing' || caller.account !== WORLD.account)
            throw new AwsError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404)
          return { cluster: describe(cluster, state.began, clusterAuthority) }
        },
      },
    },
  }
}

function nameOf(input: Input): string {
  return textIn(input, 'name', (why) => new AwsError('InvalidParameterException', why)) ?? ''
}

function describe(status: 'ACTIVE' | 'CREATING', began: number, authority: string): object {
  const known = {
    name: WORLD.cluster.name,
    arn: `arn:aws:eks:${WORLD.region}:${WORLD.account}:cluster/${WORLD.cluster.name}`,
    createdAt: began / 1000 - 90 * 24 * 3600,
    version: WORLD.cluster.version,
    roleArn: `arn:aws:iam::${WORLD.account}:role/${WORLD.workspace}-eks`,
    status,
    tags: { Environment: 'enterprise', Organization: WORLD.organization },
    resourcesVpcConfig: {
      subnetIds: [WORLD.subnetId],
      vpcId: WORLD.vpcId,
      endpointPublicAccess: false,
      endpointPrivateAccess: true,
      publicAccessCidrs: [],
    },
    kubernetesNetworkConfig: { serviceIpv4Cidr: '172.20.0.0/16', ipFamily: 'ipv4' },
  }
  // A cluster that is still being made has neither an address nor a certificate.
  if (status === 'CREATING') return known
  return {
    ...known,
    endpoint: `https://${WORLD.cluster.host}`,
    certificateAuthority: { data: Buffer.from(authority).toString('base64') },
  }
}
