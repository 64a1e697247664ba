import type {
  Cluster as DescribedCluster,
  GetBootstrapBrokersResponse,
  KafkaClient,
} from '@aws-sdk/client-kafka'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { type Reading, reading } from '#core/aws/reading.ts'
import { abortedBy, clientPerConnection } from '#core/aws/sdk-client.ts'
import type { Endpoint, FoundDatastore } from '#core/installation/datastores.ts'
import { matchName } from '#core/installation/resource-names.ts'

const LIST_CLUSTERS = 'kafka:ListClustersV2'
const GET_BOOTSTRAP_BROKERS = 'kafka:GetBootstrapBrokers'

const clientOf = clientPerConnection<KafkaClient>(async (settings) => {
  const { KafkaClient } = await import('@aws-sdk/client-kafka')
  return new KafkaClient(settings)
})

/** The Kafka clusters whose name fits a pattern, each with its brokers. */
export async function findKafka(
  connection: AwsConnection,
  patterns: readonly string[],
  signal?: AbortSignal,
): Promise<Reading<FoundDatastore[]>> {
  const list = await reading('kafka', LIST_CLUSTERS, () => listClusters(connection, patterns, signal))
  const found = await Promise.all(
    (list.value ?? []).map(async (cluster) => {
      const brokers = await reading('kafka', GET_BOOTSTRAP_BROKERS, () =>
        getBrokers(connection, cluster, signal),
      )
      return { store: toDatastore(cluster, brokers.value), unreadable: brokers.unreadable }
    }),
  )
  return {
    value: list.value && found.map(({ store }) => store),
    unreadable: [...list.unreadable, ...found.flatMap(({ unreadable }) => unreadable)],
  }
}

function listClusters(
  connection: AwsConnection,
  patterns: readonly string[],
  signal: AbortSignal | undefined,
) {
  const call = { action: LIST_CLUSTERS, purpose: `look for the Kafka cluster ${patterns.join(', ')}` }
  return connection.call(call, signal, async () => {
    const { ListClustersV2Command } = await import('@aws-sdk/client-kafka')
    const client = await clientOf(connection)
    const clusters = await readPages(
      'Kafka clusters',
      (NextToken) =>
        client.send(new ListClustersV2Command({ NextToken, MaxResults: 100 }), abortedBy(signal)),
      ({ ClusterInfoList, NextToken }) => ({ items: ClusterInfoList, next: NextToken }),
    )
    return clusters.filter(({ ClusterName }) => matchName(ClusterName ?? '', patterns) !== undefined)
  })
}

function getBrokers(connection: AwsConnection, cluster: DescribedCluster, signal: AbortSignal | undefined) {
  const { ClusterName: name, ClusterArn } = cluster
  const call = { action: GET_BOOTSTRAP_BROKERS, purpose: `ask for the brokers of ${name}` }
  return connection.call(call, signal, async () => {
    const { GetBootstrapBrokersCommand } = await import('@aws-sdk/client-kafka')
    const client = await clientOf(connection)
    return await client.send(new GetBootstrapBrokersCommand({ ClusterArn }), abortedBy(signal))
  })
}

function toDatastore(
  cluster: DescribedCluster,
  brokers: GetBootstrapBrokersResponse | undefined,
): FoundDatastore {
  const { ClusterName: id = '', State, Provisioned, Serverless } = cluster
  const { BrokerNodeGroupInfo, EncryptionInfo, CurrentBrokerSoftwareInfo, NumberOfBrokerNodes } =
    Provisioned ?? {}
  const subnets = BrokerNodeGroupInfo?.ClientSubnets ?? Serverless?.VpcConfigs?.[0]?.SubnetIds ?? []
  const access = BrokerNodeGroupInfo?.ConnectivityInfo?.PublicAccess?.Type
  const { plain, secure } = brokersOf(brokers)
  return {
    engine: 'kafka',
    id,
    product: Serverless === undefined ? 'kafka' : 'kafka serverless',
    version: CurrentBrokerSoftwareInfo?.KafkaVersion,
    status: (State ?? 'unknown').toLowerCase(),
    topology: 'cluster',
    nodes: NumberOfBrokerNodes ?? 0,
    zones: BrokerNodeGroupInfo?.ZoneIds ?? [],
    multiZone: subnets.length > 1,
    sizeClass: BrokerNodeGroupInfo?.InstanceType,
    endpoints: [...secure, ...plain],
    // The service encrypts what it stores, always.
    encryptedAtRest: true,
    encryptedInTransit: encryptedInTransit(EncryptionInfo?.EncryptionInTransit?.ClientBroker, secure, plain),
    public: access === undefined ? undefined : access !== 'DISABLED',
    backupWindow: undefined,
    maintenanceWindow: undefined,
    retentionDays: undefined,
    vpcId: undefined,
    securityGroups: BrokerNodeGroupInfo?.SecurityGroups ?? Serverless?.VpcConfigs?.[0]?.SecurityGroupIds,
  }
}

/** Whether nothing but TLS is spoken to clients. */
function encryptedInTransit(
  said: string | undefined,
  secure: readonly Endpoint[],
  plain: readonly Endpoint[],
): boolean | undefined {
  if (said !== undefined) return said === 'TLS'
  return secure.length + plain.length === 0 ? undefined : plain.length === 0
}

/** The brokers inside the network: `b-1.…:9094,b-2.…:9094`. */
function brokersOf(brokers: GetBootstrapBrokersResponse | undefined) {
  const { BootstrapBrokerStringTls, BootstrapBrokerStringSaslScram, BootstrapBrokerStringSaslIam } =
    brokers ?? {}
  return {
    secure: endpointsIn(
      BootstrapBrokerStringTls ?? BootstrapBrokerStringSaslScram ?? BootstrapBrokerStringSaslIam,
    ),
    plain: endpointsIn(brokers?.BootstrapBrokerString),
  }
}

function endpointsIn(text = ''): Endpoint[] {
  return text.split(',').flatMap((each) => {
    const [host = '', port = ''] = each.trim().split(':')
    return host !== '' && /^\d+$/.test(port) ? [{ host, port: Number(port) }] : []
  })
}
