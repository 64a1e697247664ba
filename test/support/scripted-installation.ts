import type { AwsAnswer } from './scripted-aws.ts'
import { ec2Answer, jsonAnswer, queryAnswer, type Script, s3Answer, s3Error } from './scripted-discovery.ts'

/**
 * A small installation `paragon-acme` in the services' wire forms, with what real answers have and a careless reader
 * trips over: resources of others beside it, things that are gone and still listed, capitals, empty lists.
 */

const tag = (name: string) => `<tagSet><item><key>Name</key><value>${name}</value></item></tagSet>`

export const VPCS = ec2Answer(
  'DescribeVpcs',
  `<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet>
    <item><cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockState><state>associated</state></cidrBlockState></item>
    <item><cidrBlock>10.9.0.0/16</cidrBlock><cidrBlockState><state>disassociated</state></cidrBlockState></item>
    </cidrBlockAssociationSet>${tag('paragon-acme-vpc')}</item></vpcSet>`,
)

export const NO_VPCS = ec2Answer('DescribeVpcs', '<vpcSet/>')

export const subnet = (id: string, zone: string): string =>
  `<item><subnetId>${id}</subnetId><availabilityZone>eu-central-1${zone}</availabilityZone><cidrBlock>10.0.1.0/24</cidrBlock>${tag(id)}</item>`

export function subnets(items: string, next?: string): AwsAnswer {
  const token = next === undefined ? '' : `<nextToken>${next}</nextToken>`
  return ec2Answer('DescribeSubnets', `<subnetSet>${items}</subnetSet>${token}`)
}

const ROUTE_TABLES = ec2Answer(
  'DescribeRouteTables',
  `<routeTableSet>
    <item><routeTableId>rtb-main</routeTableId><associationSet><item><main>true</main></item></associationSet><routeSet>
      <item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state></item>
      <item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item>
      <item><destinationPrefixListId>pl-1</destinationPrefixListId><gatewayId>vpce-1</gatewayId><state>active</state></item>
      <item><destinationCidrBlock>172.16.0.0/12</destinationCidrBlock><vpcPeeringConnectionId>pcx-1</vpcPeeringConnectionId><state>blackhole</state></item>
    </routeSet></item>
    <item><routeTableId>rtb-public</routeTableId><associationSet>
      <item><main>false</main><subnetId>subnet-public</subnetId></item></associationSet><routeSet>
      <item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><gatewayId>igw-1</gatewayId><state>active</state></item>
    </routeSet></item></routeTableSet>`,
)

const NAT_GATEWAYS = ec2Answer(
  'DescribeNatGateways',
  `<natGatewaySet>
    <item><natGatewayId>nat-1</natGatewayId><state>available</state><subnetId>subnet-public</subnetId>
      <natGatewayAddressSet><item><publicIp>203.0.113.9</publicIp></item></natGatewayAddressSet></item>
    <item><natGatewayId>nat-old</natGatewayId><state>deleted</state></item></natGatewaySet>`,
)

export const loadBalancer = (name: string, vpc: string): string =>
  `<member><LoadBalancerName>${name}</LoadBalancerName><Type>application</Type><Scheme>internet-facing</Scheme>
    <DNSName>${name}.elb.example</DNSName><State><Code>active</Code></State><VpcId>${vpc}</VpcId>
    <AvailabilityZones><member><ZoneName>eu-central-1a</ZoneName></member></AvailabilityZones></member>`

export function loadBalancers(items: string, next?: string): AwsAnswer {
  const marker = next === undefined ? '' : `<NextMarker>${next}</NextMarker>`
  return queryAnswer('DescribeLoadBalancers', `<LoadBalancers>${items}</LoadBalancers>${marker}`)
}

/** Where RDS keeps the password of every one. */
export const SECRET = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:rds!db-1-a1b2c3'

export const database = (id: string, more = ''): string =>
  `<DBInstance><DBInstanceIdentifier>${id}</DBInstanceIdentifier><Engine>postgres</Engine>
    <EngineVersion>16.9</EngineVersion><DBInstanceStatus>available</DBInstanceStatus>
    <DBInstanceClass>db.t4g.small</DBInstanceClass><AvailabilityZone>eu-central-1b</AvailabilityZone>
    <MultiAZ>false</MultiAZ><StorageEncrypted>true</StorageEncrypted><PubliclyAccessible>false</PubliclyAccessible>
    <Endpoint><Address>${id}.rds.example</Address><Port>5432</Port></Endpoint>
    <PreferredBackupWindow>06:00-07:00</PreferredBackupWindow>
    <PreferredMaintenanceWindow>Tue:04:00-Tue:05:00</PreferredMaintenanceWindow>
    <MasterUsername>master</MasterUsername><DBName>postgres</DBName>
    <MasterUserSecret><SecretArn>${SECRET}</SecretArn><SecretStatus>active</SecretStatus></MasterUserSecret>
    <IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled>
    <BackupRetentionPeriod>7</BackupRetentionPeriod>${more || '<DBSubnetGroup><VpcId>vpc-1</VpcId></DBSubnetGroup>'}</DBInstance>`

export function databases(items: string, next?: string): AwsAnswer {
  const marker = next === undefined ? '' : `<Marker>${next}</Marker>`
  return queryAnswer('DescribeDBInstances', `<DBInstances>${items}</DBInstances>${marker}`)
}

const cache = (id: string, more: string) =>
  `<CacheCluster><CacheClusterId>${id}</CacheClusterId><Engine>redis</Engine><EngineVersion>7.1.0</EngineVersion>
    <CacheClusterStatus>available</CacheClusterStatus><CacheNodeType>cache.t4g.small</CacheNodeType>
    <NumCacheNodes>1</NumCacheNodes><PreferredAvailabilityZone>eu-central-1a</PreferredAvailabilityZone>
    <PreferredMaintenanceWindow>tue:16:00-tue:17:00</PreferredMaintenanceWindow>${more}</CacheCluster>`

const CACHE_CLUSTERS = queryAnswer(
  'DescribeCacheClusters',
  `<CacheClusters>${cache(
    'paragon-acme-redis-queue',
    `<SnapshotWindow>12:00-13:00</SnapshotWindow><SnapshotRetentionLimit>5</SnapshotRetentionLimit>
      <CacheNodes><CacheNode><Endpoint><Address>queue.cache.example</Address><Port>6379</Port></Endpoint></CacheNode></CacheNodes>
      <AtRestEncryptionEnabled>false</AtRestEncryptionEnabled><TransitEncryptionEnabled>false</TransitEncryptionEnabled>`,
  )}${cache('paragon-acme-redis-cache-0001-001', '<ReplicationGroupId>paragon-acme-redis-cache</ReplicationGroupId>')}${cache(
    'someone-elses',
    '',
  )}</CacheClusters>`,
)

const REPLICATION_GROUPS = queryAnswer(
  'DescribeReplicationGroups',
  `<ReplicationGroups><ReplicationGroup><ReplicationGroupId>paragon-acme-redis-cache</ReplicationGroupId>
    <Status>available</Status><MultiAZ>enabled</MultiAZ><CacheNodeType>cache.r7g.large</CacheNodeType>
    <MemberClusters><ClusterId>a</ClusterId><ClusterId>b</ClusterId></MemberClusters>
    <ConfigurationEndpoint><Address>cfg.cache.example</Address><Port>6379</Port></ConfigurationEndpoint>
    <NodeGroups><NodeGroup><NodeGroupMembers>
      <NodeGroupMember><PreferredAvailabilityZone>eu-central-1b</PreferredAvailabilityZone></NodeGroupMember>
      <NodeGroupMember><PreferredAvailabilityZone>eu-central-1a</PreferredAvailabilityZone></NodeGroupMember>
    </NodeGroupMembers></NodeGroup></NodeGroups><SnapshotWindow>12:00-13:00</SnapshotWindow>
    <SnapshotRetentionLimit>5</SnapshotRetentionLimit><AtRestEncryptionEnabled>true</AtRestEncryptionEnabled>
    <TransitEncryptionEnabled>true</TransitEncryptionEnabled><AuthTokenEnabled>true</AuthTokenEnabled>
    <ClusterEnabled>true</ClusterEnabled></ReplicationGroup></ReplicationGroups>`,
)

const KAFKA_ARN = 'arn:aws:kafka:eu-central-1:111122223333:cluster/paragon-acme/1'

const KAFKA = {
  clusterArn: KAFKA_ARN,
  clusterName: 'paragon-acme',
  state: 'ACTIVE',
  clusterType: 'PROVISIONED',
  provisioned: {
    brokerNodeGroupInfo: {
      clientSubnets: ['subnet-1', 'subnet-2'],
      instanceType: 'kafka.m7g.large',
      connectivityInfo: { publicAccess: { type: 'DISABLED' } },
      zoneIds: ['euc1-az1', 'euc1-az2'],
    },
    encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS' } },
    currentBrokerSoftwareInfo: { kafkaVersion: '3.8.x' },
    numberOfBrokerNodes: 2,
  },
}

const BUCKETS = s3Answer(
  'ListAllMyBucketsResult',
  `<Buckets>${['app', 'cdn', 'logs', 'scratch']
    .map(
      (name) => `<Bucket><Name>paragon-acme-${name}</Name><BucketRegion>eu-central-1</BucketRegion></Bucket>`,
    )
    .join('')}</Buckets>`,
)

export const BLOCKED = s3Answer(
  'PublicAccessBlockConfiguration',
  '<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>',
)

export const versioning = (status: string): AwsAnswer =>
  s3Answer('VersioningConfiguration', status === '' ? '' : `<Status>${status}</Status>`)

export const policyStatus = (isPublic: boolean): AwsAnswer =>
  s3Answer('PolicyStatus', `<IsPublic>${isPublic}</IsPublic>`)

export const acl = (uri: string): AwsAnswer =>
  s3Answer(
    'AccessControlPolicy',
    `<Owner><ID>1</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>${uri}</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList>`,
  )

const LIFECYCLE = s3Answer(
  'LifecycleConfiguration',
  `<Rule><ID>old</ID><Status>Enabled</Status><Filter/><NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays></NoncurrentVersionExpiration></Rule>
   <Rule><ID>part</ID><Status>Enabled</Status><Filter><Prefix>tmp/</Prefix></Filter><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration></Rule>
   <Rule><ID>off</ID><Status>Disabled</Status><Filter/><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></NoncurrentVersionExpiration></Rule>`,
)

/** What S3 is asked about a bucket is a query of its own: `?versioning`. */
export type BucketAnswers = Readonly<
  Record<'versioning' | 'lifecycle' | 'publicAccessBlock' | 'policyStatus' | 'acl', AwsAnswer>
>

export const PRIVATE_BUCKET: BucketAnswers = {
  versioning: versioning('Enabled'),
  lifecycle: LIFECYCLE,
  publicAccessBlock: BLOCKED,
  policyStatus: s3Error('NoSuchBucketPolicy', 404),
  acl: acl('none'),
}

/** The script of one bucket. */
export function bucketScript(name: string, answers: Partial<BucketAnswers> = {}): Script {
  const all = { ...PRIVATE_BUCKET, ...answers }
  const [bucket, root] = [`GET /paragon-acme-${name}`, `GET /paragon-acme-${name}/`]
  const answer: Script[string] = (_body, _count, { path }) => {
    const asked = Object.entries(all).find(([query]) => new RegExp(`[?&]${query}(=|&|$)`).test(path))
    return asked?.[1] ?? s3Error('NotImplemented', 501)
  }
  return { [bucket]: answer, [root]: answer }
}

/** Everything that is asked of it in full. */
export const INSTALLATION: Script = {
  'GET /clusters/paragon-acme': () =>
    jsonAnswer(
      {
        cluster: {
          name: 'paragon-acme',
          version: '1.35',
          status: 'ACTIVE',
          endpoint: 'https://A1B2.gr7.eu-central-1.eks.amazonaws.com',
          certificateAuthority: { data: Buffer.from('PEM').toString('base64') },
          resourcesVpcConfig: {
            vpcId: 'vpc-1',
            endpointPublicAccess: true,
            publicAccessCidrs: ['0.0.0.0/0'],
          },
        },
      },
      'application/json',
    ),
  DescribeInstanceInformation: () => jsonAnswer({ InstanceInformationList: [] }),
  DescribeInstances: () =>
    ec2Answer(
      'DescribeInstances',
      `<reservationSet><item><instancesSet><item><instanceId>i-00000001</instanceId>
        <instanceState><name>running</name></instanceState><groupSet><item><groupId>sg-1</groupId></item></groupSet>
        </item></instancesSet></item></reservationSet>`,
    ),
  DescribeSecurityGroups: () =>
    ec2Answer(
      'DescribeSecurityGroups',
      `<securityGroupInfo><item><groupId>sg-1</groupId><groupName>bastion</groupName><ipPermissions>
        <item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>
          <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>
          <ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>
          <groups><item><groupId>sg-2</groupId></item></groups>
          <prefixListIds><item><prefixListId>pl-2</prefixListId></item></prefixListIds></item>
        <item><ipProtocol>-1</ipProtocol><groups><item><groupId>sg-3</groupId></item></groups></item>
        <item><ipProtocol>icmp</ipProtocol><fromPort>-1</fromPort><toPort>-1</toPort>
          <ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>
        </ipPermissions></item></securityGroupInfo>`,
    ),
  DescribeAutoScalingGroups: () =>
    queryAnswer(
      'DescribeAutoScalingGroups',
      `<AutoScalingGroups><member><AutoScalingGroupName>paragon-acme-bastion</AutoScalingGroupName><MinSize>1</MinSize>
        <MaxSize>1</MaxSize><DesiredCapacity>1</DesiredCapacity>
        <AvailabilityZones><member>eu-central-1a</member></AvailabilityZones>
        <Instances><member><InstanceId>i-00000001</InstanceId></member></Instances>
        <SuspendedProcesses><member><ProcessName>Launch</ProcessName></member></SuspendedProcesses></member></AutoScalingGroups>`,
    ),
  DescribeVpcs: () => VPCS,
  DescribeSubnets: () => subnets(subnet('subnet-private', 'b') + subnet('subnet-public', 'a')),
  DescribeRouteTables: () => ROUTE_TABLES,
  DescribeNatGateways: () => NAT_GATEWAYS,
  DescribeInternetGateways: () =>
    ec2Answer(
      'DescribeInternetGateways',
      `<internetGatewaySet><item><internetGatewayId>igw-1</internetGatewayId>${tag('paragon-acme-internet-gw')}</item></internetGatewaySet>`,
    ),
  DescribeVpcEndpoints: () =>
    ec2Answer(
      'DescribeVpcEndpoints',
      `<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><vpcEndpointType>Gateway</vpcEndpointType>
        <serviceName>com.amazonaws.eu-central-1.s3</serviceName><state>Available</state></item></vpcEndpointSet>`,
    ),
  DescribeAddresses: () =>
    ec2Answer(
      'DescribeAddresses',
      `<addressesSet><item><allocationId>eipalloc-1</allocationId><publicIp>203.0.113.9</publicIp>
        <networkInterfaceId>eni-1</networkInterfaceId></item>
        <item><allocationId>eipalloc-2</allocationId><publicIp>203.0.113.10</publicIp></item></addressesSet>`,
    ),
  DescribeLoadBalancers: () =>
    loadBalancers(
      loadBalancer('paragon-acme', 'vpc-1') +
        loadBalancer('old-ssh', 'vpc-1') +
        loadBalancer('other', 'vpc-9'),
    ),
  DescribeDBInstances: () => databases(database('paragon-acme') + database('someone-elses')),
  DescribeCacheClusters: () => CACHE_CLUSTERS,
  DescribeReplicationGroups: () => REPLICATION_GROUPS,
  'GET /api/v2/clusters': () => jsonAnswer({ clusterInfoList: [KAFKA] }, 'application/json'),
  [`GET /v1/clusters/${encodeURIComponent(KAFKA_ARN)}/bootstrap-brokers`]: () =>
    jsonAnswer(
      { bootstrapBrokerStringTls: 'b-1.kafka.example:9094,b-2.kafka.example:9094' },
      'application/json',
    ),
  DescribeTrails: () =>
    jsonAnswer({
      trailList: [
        {
          Name: 'paragon-acme-cloudtrail',
          TrailARN: 'arn:aws:cloudtrail:eu-central-1:111122223333:trail/paragon-acme-cloudtrail',
          S3BucketName: 'paragon-acme-logs',
          IsMultiRegionTrail: true,
          LogFileValidationEnabled: true,
        },
      ],
    }),
  GetTrailStatus: () => jsonAnswer({ IsLogging: true }),
  'GET /': () => BUCKETS,
  ...bucketScript('app'),
  ...bucketScript('cdn', {
    publicAccessBlock: s3Error('NoSuchPublicAccessBlockConfiguration', 404),
    policyStatus: policyStatus(true),
    lifecycle: s3Error('NoSuchLifecycleConfiguration', 404),
  }),
  ...bucketScript('logs', {
    versioning: versioning(''),
    lifecycle: s3Error('NoSuchLifecycleConfiguration', 404),
  }),
}
