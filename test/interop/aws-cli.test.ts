import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Sandbox, startSandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import {
  internetGatewayId,
  natGateways,
  routeTables,
  securityGroups,
  vpcEndpoints,
} from '#sandbox/worlds/network.ts'
import { type AwsCli, type AwsCliRow, createAwsCli } from '../support/aws-cli.ts'
import { BASTION_ROWS } from '../support/aws-cli-bastion.ts'
import { LICENSE_ROWS } from '../support/aws-cli-license.ts'
import { addDatabaseCluster, SNAPSHOT_ROWS } from '../support/aws-cli-snapshots.ts'
import { describeWith } from '../support/peers.ts'

/**
 * The AWS CLI asks for every operation that the sandbox's endpoint answers: its parsers, which are not ours, must find
 * in the answers what the world holds. An operation without a row fails.
 */

/** A start of the CLI takes a second, and more on a busy machine. */
const TIMEOUT = { timeout: 60_000 }
const { instanceId } = WORLD.bastion
const inVpc = ['--filters', `Name=vpc-id,Values=${ACME.network.vpcId}`]
const bucket = ['--bucket', ACME.buckets[0].name]
const context = ['--encryption-context', 'aws:ssm:SessionId=operator-1']
const sessionOf = async (cli: AwsCli): Promise<string> => {
  const { environment } = await cli.startSession(['--target', instanceId])
  return JSON.parse(environment['AWS_SSM_START_SESSION_RESPONSE'] ?? '{}').SessionId
}
const loadBalancerOf = async (cli: AwsCli) =>
  String(await cli.ask(['elbv2', 'describe-load-balancers', '--query', 'LoadBalancers[0].LoadBalancerArn']))
const kafkaOf = async (cli: AwsCli) =>
  String(await cli.ask(['kafka', 'list-clusters-v2', '--query', 'ClusterInfoList[0].ClusterArn'], 'globex'))

const INSTALLATION_ROWS: Readonly<Record<string, AwsCliRow>> = {
  // ── ssm ────────────────────────────────────────────────────────────────────────────────────────────────────────
  'ssm:ResumeSession': {
    words: async (cli) => ['ssm', 'resume-session', '--session-id', await sessionOf(cli)],
    query: 'starts_with(StreamUrl, `ws://127.0.0.1:`) && length(TokenValue) > `20`',
    want: true,
  },
  'ssm:TerminateSession': {
    words: async (cli) => ['ssm', 'terminate-session', '--session-id', await sessionOf(cli)],
    query: 'starts_with(SessionId, `operator-`)',
    want: true,
  },
  'ssm:DescribeSessions': {
    words: [
      'ssm',
      'describe-sessions',
      '--state',
      'Active',
      '--filters',
      'key=Target,value=i-0000000000000000',
    ],
    query: 'Sessions',
    want: [],
  },
  'ssm:ListAssociations': { words: ['ssm', 'list-associations'], query: 'Associations', want: [] },
  'ssm:DescribeInstanceInformation': {
    words: ['ssm', 'describe-instance-information'],
    query: `InstanceInformationList[?InstanceId=='${instanceId}'].[PingStatus,AgentVersion]`,
    want: [['Online', WORLD.bastion.agentVersion]],
  },
  'ssm:CreateDocument': {
    words: [
      ...['ssm', 'create-document', '--name', 'interop-port', '--document-type', 'Session'],
      ...['--content', JSON.stringify({ schemaVersion: '1.0', description: '', sessionType: 'Port' })],
    ],
    query: 'DocumentDescription.[Name,DocumentType,Status]',
    want: ['interop-port', 'Session', 'Active'],
  },
  'ssm:GetDocument': {
    words: ['ssm', 'get-document', '--name', 'SSM-SessionManagerRunShell', '--document-format', 'JSON'],
    query: '[Name,DocumentType,DocumentFormat]',
    want: ['SSM-SessionManagerRunShell', 'Session', 'JSON'],
  },
  // ── ec2 ────────────────────────────────────────────────────────────────────────────────────────────────────────
  'ec2:DescribeInstances': {
    words: ['ec2', 'describe-instances', '--filters', `Name=tag:Name,Values=${WORLD.bastion.name}`],
    query: 'Reservations[].Instances[].[InstanceId,PrivateIpAddress,State.Name]',
    want: [[instanceId, WORLD.bastion.address, 'running']],
  },
  'ec2:DescribeVpcs': {
    words: ['ec2', 'describe-vpcs', '--vpc-ids', ACME.network.vpcId],
    query: 'Vpcs[].[VpcId,CidrBlock,State]',
    want: [[ACME.network.vpcId, ACME.network.cidr, 'available']],
  },
  'ec2:DescribeSubnets': {
    words: ['ec2', 'describe-subnets', ...inVpc],
    query: 'sort(Subnets[].SubnetId)',
    want: ACME.network.subnets.map(({ subnetId }) => subnetId).toSorted(),
  },
  'ec2:DescribeRouteTables': {
    words: ['ec2', 'describe-route-tables', ...inVpc],
    query: 'sort(RouteTables[].RouteTableId)',
    want: routeTables(ACME)
      .map(({ id }) => id)
      .toSorted(),
  },
  'ec2:DescribeNatGateways': {
    words: ['ec2', 'describe-nat-gateways'],
    query: 'NatGateways[].[NatGatewayId,State,NatGatewayAddresses[0].PublicIp]',
    want: natGateways(ACME).map(({ id, allocation }) => [id, 'available', allocation.address]),
  },
  'ec2:DescribeInternetGateways': {
    words: ['ec2', 'describe-internet-gateways'],
    query: 'InternetGateways[].[InternetGatewayId,Attachments[0].VpcId]',
    want: [[internetGatewayId(ACME), ACME.network.vpcId]],
  },
  'ec2:DescribeAddresses': {
    words: ['ec2', 'describe-addresses'],
    query: 'Addresses[].[AllocationId,PublicIp,Domain]',
    want: natGateways(ACME).map(({ allocation }) => [allocation.allocationId, allocation.address, 'vpc']),
  },
  'ec2:DescribeVpcEndpoints': {
    words: ['ec2', 'describe-vpc-endpoints', ...inVpc],
    query: 'VpcEndpoints[].[VpcEndpointId,ServiceName,VpcEndpointType]',
    want: vpcEndpoints(ACME).map(({ id, service, type }) => [id, service, type]),
  },
  'ec2:DescribeSecurityGroups': {
    words: ['ec2', 'describe-security-groups', ...inVpc],
    query: 'SecurityGroups[].GroupName',
    want: securityGroups(ACME).map(({ name }) => name),
  },
  'ec2:DescribeInstanceConnectEndpoints': {
    words: [
      'ec2',
      'describe-instance-connect-endpoints',
      '--filters',
      `Name=vpc-id,Values=${ACME.network.vpcId}`,
    ],
    query: 'InstanceConnectEndpoints[].[State,VpcId,PreserveClientIp]',
    want: [['create-complete', ACME.network.vpcId, false]],
  },
  'ec2:GetSerialConsoleAccessStatus': {
    words: ['ec2', 'get-serial-console-access-status'],
    query: 'SerialConsoleAccessEnabled',
    want: true,
  },
  // ── the cluster, identity and keys ─────────────────────────────────────────────────────────────────────────────
  'eks:DescribeCluster': {
    words: ['eks', 'describe-cluster', '--name', WORLD.cluster.name],
    query: 'cluster.[endpoint,status,version,resourcesVpcConfig.endpointPublicAccess]',
    want: [`https://${WORLD.cluster.host}`, 'ACTIVE', WORLD.cluster.version, false],
  },
  'sts:GetCallerIdentity': {
    words: ['sts', 'get-caller-identity'],
    query: '[Account,Arn]',
    want: [WORLD.account, `arn:aws:iam::${WORLD.account}:user/operator`],
  },
  'sts:AssumeRole': {
    words: [
      ...['sts', 'assume-role', '--role-arn', GLOBEX.role.arn, '--role-session-name', 'cli'],
      ...['--external-id', GLOBEX.role.externalId],
    ],
    query: '[AssumedRoleUser.Arn,starts_with(Credentials.AccessKeyId, `ASIA`)]',
    want: [`${GLOBEX.role.arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/cli`, true],
  },
  'kms:GenerateDataKey': {
    words: ['kms', 'generate-data-key', '--key-id', WORLD.kmsKeyArn, '--number-of-bytes', '64', ...context],
    query: '[KeyId,length(Plaintext)]',
    want: [WORLD.kmsKeyArn, 88],
  },
  'kms:Decrypt': {
    words: async (cli) => {
      const words = ['kms', 'generate-data-key', '--key-id', WORLD.kmsKeyArn, '--number-of-bytes', '32']
      const blob = await cli.ask([...words, ...context, '--query', 'CiphertextBlob'])
      return ['kms', 'decrypt', '--ciphertext-blob', await cli.bytes(String(blob)), ...context]
    },
    query: '[KeyId,length(Plaintext)]',
    want: [WORLD.kmsKeyArn, 44],
  },
  // ── datastores ─────────────────────────────────────────────────────────────────────────────────────────────────
  'rds:DescribeDBInstances': {
    words: ['rds', 'describe-db-instances'],
    query: 'sort_by(DBInstances, &DBInstanceIdentifier)[].[DBInstanceIdentifier,DBInstanceClass,MultiAZ]',
    want: GLOBEX.databases
      .map(({ id, class: type, multiZone }) => [id, type, multiZone] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
    account: 'globex',
  },
  'rds:DescribeDBClusters': { words: ['rds', 'describe-db-clusters'], query: 'DBClusters', want: [] },
  'elasticache:DescribeCacheClusters': {
    words: ['elasticache', 'describe-cache-clusters', '--show-cache-node-info'],
    query: 'CacheClusters[].[CacheClusterId,CacheNodeType,CacheNodes[0].Endpoint.Port]',
    want: ACME.caches.map(({ id, type }) => [id, type, 6379]),
  },
  'elasticache:DescribeReplicationGroups': {
    words: ['elasticache', 'describe-replication-groups'],
    query: 'ReplicationGroups[].[ReplicationGroupId,length(NodeGroups)]',
    want: GLOBEX.caches.flatMap((cache) => (cache.kind === 'group' ? [[cache.id, cache.shards]] : [])),
    account: 'globex',
  },
  'kafka:ListClustersV2': {
    words: ['kafka', 'list-clusters-v2'],
    query: 'ClusterInfoList[].[ClusterName,State]',
    want: [[GLOBEX.kafka.name, 'ACTIVE']],
    account: 'globex',
  },
  'kafka:DescribeClusterV2': {
    words: async (cli) => ['kafka', 'describe-cluster-v2', '--cluster-arn', await kafkaOf(cli)],
    query: 'ClusterInfo.Provisioned.[NumberOfBrokerNodes,BrokerNodeGroupInfo.InstanceType]',
    want: [GLOBEX.kafka.brokers, GLOBEX.kafka.type],
    account: 'globex',
  },
  'kafka:GetBootstrapBrokers': {
    words: async (cli) => ['kafka', 'get-bootstrap-brokers', '--cluster-arn', await kafkaOf(cli)],
    query: 'contains(BootstrapBrokerStringSaslIam, `amazonaws.com:9098`)',
    want: true,
    account: 'globex',
  },
  // ── around it ──────────────────────────────────────────────────────────────────────────────────────────────────
  'autoscaling:DescribeAutoScalingGroups': {
    words: [
      ...['autoscaling', 'describe-auto-scaling-groups'],
      ...['--auto-scaling-group-names', WORLD.bastion.name],
    ],
    query: 'AutoScalingGroups[].[AutoScalingGroupName,DesiredCapacity,Instances[0].InstanceId]',
    want: [[WORLD.bastion.name, 1, instanceId]],
  },
  'elasticloadbalancing:DescribeLoadBalancers': {
    words: ['elbv2', 'describe-load-balancers', '--names', WORLD.workspace],
    query: 'LoadBalancers[].[LoadBalancerName,Scheme,VpcId]',
    want: [[WORLD.workspace, 'internet-facing', ACME.network.vpcId]],
  },
  'elasticloadbalancing:DescribeListeners': {
    words: async (cli) => ['elbv2', 'describe-listeners', '--load-balancer-arn', await loadBalancerOf(cli)],
    query: 'sort(Listeners[].Port)',
    want: [80, 443],
  },
  'elasticloadbalancing:DescribeTags': {
    words: async (cli) => ['elbv2', 'describe-tags', '--resource-arns', await loadBalancerOf(cli)],
    query: "TagDescriptions[0].Tags[?Key=='Organization'].Value",
    want: [WORLD.organization],
  },
  'cloudtrail:DescribeTrails': {
    words: ['cloudtrail', 'describe-trails'],
    query: 'trailList[].[Name,HomeRegion]',
    want: [[`${WORLD.workspace}-cloudtrail`, WORLD.region]],
  },
  'cloudtrail:GetTrailStatus': {
    words: ['cloudtrail', 'get-trail-status', '--name', `${WORLD.workspace}-cloudtrail`],
    query: 'IsLogging',
    want: true,
  },
  // ── s3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────
  's3:ListBuckets': {
    words: ['s3api', 'list-buckets'],
    query: 'Buckets[].Name',
    want: ACME.buckets.map(({ name }) => name).toSorted(),
  },
  's3:HeadBucket': { words: ['s3api', 'head-bucket', ...bucket], query: 'BucketRegion', want: WORLD.region },
  's3:GetBucketLocation': {
    words: ['s3api', 'get-bucket-location', ...bucket],
    query: 'LocationConstraint',
    want: WORLD.region,
  },
  's3:GetBucketVersioning': {
    words: ['s3api', 'get-bucket-versioning', ...bucket],
    query: 'Status',
    want: 'Enabled',
  },
  's3:GetBucketAcl': {
    words: ['s3api', 'get-bucket-acl', ...bucket],
    query: 'Grants[].[Grantee.Type,Permission]',
    want: [['CanonicalUser', 'FULL_CONTROL']],
  },
  's3:GetBucketLifecycleConfiguration': {
    words: ['s3api', 'get-bucket-lifecycle-configuration', ...bucket],
    query: 'Rules[].[Status,NoncurrentVersionExpiration.NoncurrentDays]',
    want: [['Enabled', ACME.buckets[0].expiresAfter]],
  },
  's3:GetPublicAccessBlock': {
    words: ['s3api', 'get-public-access-block', ...bucket],
    query: 'PublicAccessBlockConfiguration.[BlockPublicAcls,BlockPublicPolicy]',
    want: [true, true],
  },
  's3:GetBucketPolicyStatus': {
    words: ['s3api', 'get-bucket-policy-status', '--bucket', ACME.buckets[1].name],
    query: 'PolicyStatus.IsPublic',
    want: ACME.buckets[1].public,
  },
  's3:GetBucketTagging': {
    words: ['s3api', 'get-bucket-tagging', ...bucket],
    query: "TagSet[?Key=='Organization'].Value",
    want: [WORLD.organization],
  },
  's3:GetBucketEncryption': {
    words: ['s3api', 'get-bucket-encryption', ...bucket],
    query: 'ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.SSEAlgorithm',
    want: ['AES256'],
  },
}

const ROWS = { ...INSTALLATION_ROWS, ...SNAPSHOT_ROWS, ...LICENSE_ROWS, ...BASTION_ROWS }

describeWith(['aws'], 'the AWS CLI against the sandbox', { timeout: 600_000 }, () => {
  let sandbox: Sandbox
  let cli: AwsCli
  before(async () => {
    sandbox = await startSandbox({ pace: 'none', snapshotTakes: 0 })
    sandbox.cloud.state.turn({ otherWays: ['instance-connect', 'serial-console'] })
    addDatabaseCluster(sandbox)
    cli = await createAwsCli(sandbox.plainEndpoint, sandbox.operator)
  })
  after(async () => {
    await cli?.[Symbol.asyncDispose]()
    await sandbox?.[Symbol.asyncDispose]()
  })
  it('hands a session over to the helper program, its token out of sight', TIMEOUT, async () => {
    const words = ['--target', instanceId, '--reason', 'ticket 4711']
    const { argv, environment } = await cli.startSession(words)
    const [response = '', region, operation, profile, parameters = '', endpoint] = argv
    assert.equal(response, 'AWS_SSM_START_SESSION_RESPONSE')
    assert.deepEqual([region, operation, profile], [WORLD.region, 'StartSession', 'acme'])
    assert.deepEqual(JSON.parse(parameters), { Target: instanceId, Reason: 'ticket 4711' })
    assert.equal(endpoint, sandbox.plainEndpoint)
    const grant = JSON.parse(environment[response] ?? '')
    assert.deepEqual(Object.keys(grant).slice(0, 3).toSorted(), ['SessionId', 'StreamUrl', 'TokenValue'])
    assert.ok(!argv.join(' ').includes(grant.TokenValue))
    assert.match(grant.StreamUrl, new RegExp(`/v1/data-channel/${grant.SessionId}\\?role=publish_subscribe$`))
    assert.equal(sandbox.cloud.gateway.find(grant.SessionId)?.terms.reason, 'ticket 4711')
  })

  it('understands a refusal', TIMEOUT, async () => {
    const { status, stderr } = await cli.run(['ssm', 'start-session', '--target', 'i-0123456789abcdef0'])
    assert.notEqual(status, 0)
    assert.match(stderr, /An error occurred \(TargetNotConnected\) when calling the StartSession operation/)
  })

  it('has a row for every operation that the endpoint answers', () => {
    // The test above is StartSession's.
    const rows = ['ssm:StartSession', ...Object.keys(ROWS)]
    assert.deepEqual(rows.toSorted(), sandbox.cloud.operations.toSorted())
  })

  describe('asks for', { concurrency: 2 }, () => {
    for (const [operation, { words, query, want, account }] of Object.entries(ROWS))
      it(operation, TIMEOUT, async () => {
        const asked = typeof words === 'function' ? await words(cli) : words
        assert.deepEqual(await cli.ask([...asked, '--query', query], account), want)
      })
  })
})
