import type { S3Client } from '@aws-sdk/client-s3'
import type { AwsConnection } from '#core/aws/clients.ts'
import { readPages } from '#core/aws/pages.ts'
import { abortedBy, clientPerConnection, orNone } from '#core/aws/sdk-client.ts'
import type { Ms } from '#core/clock.ts'

/** Objects of S3: what is in a bucket, read and added to; nothing here overwrites or deletes. */

export interface ObjectPlace {
  readonly bucket: string
  readonly key: string
}

export interface ListedObject extends ObjectPlace {
  readonly bytes: number
  /** When it was put there. */
  readonly modified: Ms
}

const clientOf = clientPerConnection<S3Client>(async (settings) => {
  const { S3Client } = await import('#core/aws/parts/objects.ts')
  return new S3Client({ ...settings, followRegionRedirects: true })
})

/** Objects whose keys begin with `key`, in their order. */
export function listObjects(
  connection: AwsConnection,
  { bucket, key }: ObjectPlace,
  signal?: AbortSignal,
): Promise<ListedObject[]> {
  const call = { action: 's3:ListBucket', purpose: `list s3://${bucket}/${key}`, resource: bucket }
  return connection.call(call, signal, async () => {
    const { ListObjectsV2Command } = await import('#core/aws/parts/objects.ts')
    const client = await clientOf(connection)
    const found = await readPages(
      `objects of ${bucket}`,
      (ContinuationToken) =>
        client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken }),
          abortedBy(signal),
        ),
      ({ Contents, NextContinuationToken }) => ({ items: Contents, next: NextContinuationToken }),
    )
    return found.flatMap(({ Key, Size, LastModified }) =>
      Key === undefined
        ? []
        : [{ bucket, key: Key, bytes: Size ?? 0, modified: LastModified?.getTime() ?? 0 }],
    )
  })
}

export function getObject(
  connection: AwsConnection,
  { bucket, key }: ObjectPlace,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const call = { action: 's3:GetObject', purpose: `read s3://${bucket}/${key}`, resource: `${bucket}/${key}` }
  return connection.call(call, signal, async () => {
    const { GetObjectCommand } = await import('#core/aws/parts/objects.ts')
    const client = await clientOf(connection)
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), abortedBy(signal))
    return Body === undefined ? new Uint8Array() : await Body.transformToByteArray()
  })
}

/** Adds an object where none is; one that is there stays as it is, and that is no failure. */
export async function putNewObject(
  connection: AwsConnection,
  { bucket, key }: ObjectPlace,
  content: string | Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const call = {
    action: 's3:PutObject',
    purpose: `write s3://${bucket}/${key}`,
    resource: `${bucket}/${key}`,
  }
  await connection.call(call, signal, async () => {
    const { PutObjectCommand } = await import('#core/aws/parts/objects.ts')
    const client = await clientOf(connection)
    const command = new PutObjectCommand({ Bucket: bucket, Key: key, Body: content, IfNoneMatch: '*' })
    await orNone(client.send(command, abortedBy(signal)), 'PreconditionFailed')
  })
}
