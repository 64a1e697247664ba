import {
  CloudFormationClient,
  DeleteStackCommand,
  DescribeStackResourcesCommand,
  waitUntilStackDeleteComplete,
} from '@aws-sdk/client-cloudformation'
import { DeleteTableCommand, DynamoDBClient, UpdateTableCommand } from '@aws-sdk/client-dynamodb'
import { DeleteAliasCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { bastionStackName } from '../core/bastion/names.ts'
import { stackName } from '../core/stack/names.ts'

/** Removes the two stacks of a smoke test, with what their templates keep on purpose: tables, buckets, keys. */

interface Place {
  readonly region: string
  readonly workspace: string
}

interface Part {
  readonly type: string
  readonly id: string
}

const LONGEST_S = 1_800

/** What could not be removed, in words; whatever fails, the rest is removed all the same. */
export async function removeAll(
  { region, workspace }: Place,
  say: (text: string) => void,
): Promise<readonly string[]> {
  const left: string[] = []
  const attempt = async (what: string, run: () => Promise<unknown>) => {
    try {
      await run()
      say(`removed: ${what}`)
    } catch (error) {
      if (!isGone(error)) left.push(`${what} (${String(error)})`)
    }
  }
  const cloudFormation = new CloudFormationClient({ region })
  const stacks = [bastionStackName(workspace), stackName(workspace)]
  const parts = (await Promise.all(stacks.map((stack) => partsOf(cloudFormation, stack)))).flat()
  // A bucket with something in it keeps its stack from being deleted.
  for (const { id } of ofType(parts, 'AWS::S3::Bucket'))
    await attempt(`what is in ${id}`, () => empty(region, id))
  for (const StackName of stacks)
    await attempt(`the stack ${StackName}`, async () => {
      await cloudFormation.send(new DeleteStackCommand({ StackName }))
      await waitUntilStackDeleteComplete({ client: cloudFormation, maxWaitTime: LONGEST_S }, { StackName })
    })
  const dynamo = new DynamoDBClient({ region })
  for (const { id: TableName } of ofType(parts, 'AWS::DynamoDB::Table'))
    await attempt(`the table ${TableName}`, async () => {
      await dynamo.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }))
      await dynamo.send(new DeleteTableCommand({ TableName }))
    })
  const s3 = new S3Client({ region })
  for (const { id: Bucket } of ofType(parts, 'AWS::S3::Bucket'))
    await attempt(`the bucket ${Bucket}`, () => s3.send(new DeleteBucketCommand({ Bucket })))
  const kms = new KMSClient({ region })
  for (const { id: AliasName } of ofType(parts, 'AWS::KMS::Alias'))
    await attempt(`the name ${AliasName}`, () => kms.send(new DeleteAliasCommand({ AliasName })))
  for (const { id: KeyId } of ofType(parts, 'AWS::KMS::Key'))
    await attempt(`the key ${KeyId}, in seven days`, () =>
      kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 })),
    )
  return left
}

async function partsOf(client: CloudFormationClient, StackName: string): Promise<Part[]> {
  try {
    const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName }))
    return StackResources.flatMap(({ ResourceType: type, PhysicalResourceId: id }) =>
      type === undefined || !id ? [] : [{ type, id }],
    )
  } catch (error) {
    if (/does not exist/.test(String(error))) return []
    throw error
  }
}

const ofType = (parts: readonly Part[], type: string) => parts.filter((part) => part.type === type)

async function empty(region: string, Bucket: string): Promise<void> {
  const s3 = new S3Client({ region })
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }))
    if (Objects.length === 0) return
    const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    if (Errors.length > 0) throw new Error(`${Errors[0]?.Key}: ${Errors[0]?.Message}`)
  }
}

/** It was never made, or is gone with its stack, or is about to be. */
function isGone(error: unknown): boolean {
  const { name } = Object(error) as { name?: unknown }
  return [
    'NoSuchBucket',
    'ResourceNotFoundException',
    'NotFoundException',
    'KMSInvalidStateException',
  ].includes(String(name))
}
