import { brokerHosts } from '#sandbox/worlds/datastores.ts'
import { tagsOf, type World } from '#sandbox/worlds/installation.ts'
import { groupIdOf, subnetsOf } from '#sandbox/worlds/network.ts'
import { AwsError } from '../aws-error.ts'
import { restJsonDialect } from '../dialects/rest-json.ts'
import { page } from '../pages.ts'
import type { AwsService, Call, Input } from '../service.ts'

const MOST_CLUSTERS = 100
/** The ports that brokers take clients on by TLS, and by TLS with an identity of the cloud. */
const TLS_PORT = 9094
const IAM_PORT = 9098

/** MSK with the cluster of an installation that has one. */
export function createKafka(): AwsService {
  const resources = (input: Input) => [String(input['clusterArn'])]
  return {
    name: 'kafka',
    dialect: restJsonDialect(
      [
        { method: 'GET', path: '/api/v2/clusters', operation: 'ListClustersV2' },
        { method: 'GET', path: '/api/v2/clusters/{clusterArn}', operation: 'DescribeClusterV2' },
        {
          method: 'GET',
          path: '/v1/clusters/{clusterArn}/bootstrap-brokers',
          operation: 'GetBootstrapBrokers',
        },
      ],
      { throttled: { code: 'TooManyRequestsException', status: 429, message: 'Rate exceeded' } },
    ),
    operations: {
      ListClustersV2: { resources: () => ['*'], run: listClusters },
      DescribeClusterV2: {
        resources,
        run: (input, call) => ({ clusterInfo: describe(find(input, call)) }),
      },
      GetBootstrapBrokers: {
        resources,
        run(input, call) {
          const hosts = brokerHosts(find(input, call))
          return {
            bootstrapBrokerStringTls: hosts.map((host) => `${host}:${TLS_PORT}`).join(','),
            bootstrapBrokerStringSaslIam: hosts.map((host) => `${host}:${IAM_PORT}`).join(','),
          }
        },
      },
    },
  }
}

function listClusters(input: Input, call: Call): object {
  const size = Number(input['maxResults'] ?? MOST_CLUSTERS)
  if (!Number.isInteger(size) || size < 1 || size > MOST_CLUSTERS)
    throw invalid(`maxResults must be between 1 and ${MOST_CLUSTERS}`)
  const type = input['clusterTypeFilter']
  if (type !== undefined && type !== 'PROVISIONED' && type !== 'SERVERLESS')
    throw invalid(`${String(type)} is no type of a cluster`)
  const prefix = String(input['clusterNameFilter'] ?? '')
  const { world } = call
  const found = world?.kafka?.name.startsWith(prefix) && type !== 'SERVERLESS' ? [world] : []
  const token = input['nextToken'] === undefined ? undefined : String(input['nextToken'])
  const { items, next } = page(
    found,
    size,
    token,
    () => {
      throw invalid('The nextToken is invalid')
    },
    call.paging,
  )
  return { clusterInfoList: items.map(describe), ...(next === undefined ? {} : { nextToken: next }) }
}

function describe(world: World): object {
  const { kafka } = world
  if (kafka === undefined) return {}
  return {
    clusterArn: arnOf(world),
    clusterName: kafka.name,
    clusterType: 'PROVISIONED',
    creationTime: '2026-03-02T10:11:03.552Z',
    currentVersion: 'K3AEGXETSR30VB',
    state: 'ACTIVE',
    tags: tagsOf(world, kafka.name),
    provisioned: {
      brokerNodeGroupInfo: {
        brokerAZDistribution: 'DEFAULT',
        clientSubnets: subnetsOf(world, 'private').map(({ subnetId }) => subnetId),
        instanceType: kafka.type,
        securityGroups: [groupIdOf(world, 'kafka')],
        storageInfo: { ebsStorageInfo: { volumeSize: 100 } },
        connectivityInfo: { publicAccess: { type: 'DISABLED' } },
      },
      currentBrokerSoftwareInfo: { kafkaVersion: kafka.version },
      clientAuthentication: { sasl: { iam: { enabled: true } }, unauthenticated: { enabled: true } },
      encryptionInfo: {
        encryptionAtRest: { dataVolumeKMSKeyId: world.kmsKeyArn },
        encryptionInTransit: { clientBroker: 'TLS', inCluster: true },
      },
      enhancedMonitoring: 'DEFAULT',
      numberOfBrokerNodes: kafka.brokers,
      storageMode: 'LOCAL',
    },
  }
}

/** @throws AwsError `NotFoundException` */
function find(input: Input, { world }: Call): World {
  const arn = String(input['clusterArn'])
  if (world?.kafka !== undefined && arn === arnOf(world)) return world
  throw new AwsError('NotFoundException', `The cluster ${arn} does not exist.`, 404)
}

function arnOf({ region, account, kafka }: World): string {
  return `arn:aws:kafka:${region}:${account}:cluster/${kafka?.name}/3b7f0e52-6c1d-4a9e-8f24-d5b1c07a6e93-5`
}

function invalid(why: string): AwsError {
  return new AwsError('BadRequestException', why)
}
