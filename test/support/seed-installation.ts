import { CreateSubnetCommand, CreateVpcCommand, EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2'
import { CreateClusterCommand, EKSClient } from '@aws-sdk/client-eks'
import { CreateCacheClusterCommand, ElastiCacheClient } from '@aws-sdk/client-elasticache'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import type { ResourceNames } from '#core/installation/discovery.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'

/** Makes the sandbox's first installation in an emulator, as Terraform makes it in an account; answers its key's id. */
export async function seedInstallation(endpoint: string, names: ResourceNames): Promise<string> {
  const settings = {
    endpoint,
    region: WORLD.region,
    credentials: { accessKeyId: 'AKIAEMULATOR00000000', secretAccessKey: 'not checked here' },
    maxAttempts: 1,
  }
  using clients = new DisposableStack()
  const made = <C extends { destroy(): void }>(client: C): C => {
    clients.defer(() => client.destroy())
    return client
  }
  const named = (type: 'vpc' | 'subnet' | 'instance', name: string) => [
    { ResourceType: type, Tags: [{ Key: 'Name', Value: name }] },
  ]
  const ec2 = made(new EC2Client(settings))
  const { Vpc } = await ec2.send(
    new CreateVpcCommand({ CidrBlock: ACME.network.cidr, TagSpecifications: named('vpc', names.vpc) }),
  )
  const subnetIds: string[] = []
  for (const { cidr, zone, name } of ACME.network.subnets) {
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({
        VpcId: Vpc?.VpcId,
        CidrBlock: cidr,
        AvailabilityZone: `${WORLD.region}${zone}`,
        TagSpecifications: named('subnet', name),
      }),
    )
    subnetIds.push(Subnet?.SubnetId ?? '')
  }
  await ec2.send(
    new RunInstancesCommand({
      ...{ ImageId: 'ami-12c6146b', InstanceType: 't3.small', MinCount: 1, MaxCount: 1 },
      SubnetId: subnetIds[0],
      TagSpecifications: named('instance', names.bastion),
    }),
  )
  await made(new EKSClient(settings)).send(
    new CreateClusterCommand({
      name: names.cluster,
      version: WORLD.cluster.version,
      roleArn: `arn:aws:iam::${WORLD.account}:role/eks`,
      resourcesVpcConfig: { subnetIds },
    }),
  )
  const [database] = ACME.databases
  await made(new RDSClient(settings)).send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: database.id,
      DBInstanceClass: database.class,
      Engine: 'postgres',
      AllocatedStorage: database.storage,
      MasterUsername: 'postgres',
      MasterUserPassword: 'only for a test',
    }),
  )
  const [cache] = ACME.caches
  await made(new ElastiCacheClient(settings)).send(
    new CreateCacheClusterCommand({
      ...{ CacheClusterId: cache.id, CacheNodeType: cache.type, Engine: 'redis', NumCacheNodes: 1 },
    }),
  )
  const s3 = made(new S3Client({ ...settings, forcePathStyle: true }))
  for (const { name, versioned } of ACME.buckets) {
    await s3.send(
      new CreateBucketCommand({
        Bucket: name,
        CreateBucketConfiguration: { LocationConstraint: WORLD.region },
      }),
    )
    if (versioned)
      await s3.send(
        new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }),
      )
  }
  const { KeyMetadata } = await made(new KMSClient(settings)).send(new CreateKeyCommand({}))
  return KeyMetadata?.KeyId ?? ''
}
