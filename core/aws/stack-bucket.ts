import type { AwsConnection } from '#core/aws/clients.ts'
import { getObject, listObjects, putNewObject } from '#core/aws/objects.ts'
import type { StackBucket } from '#core/stack/stack-api.ts'

/** The bucket that a stack keeps its code in. */
export function createStackBucket(connection: AwsConnection, bucket: string): StackBucket {
  const list = async (key: string, signal?: AbortSignal) =>
    (await listObjects(connection, { bucket, key }, signal)).map((each) => each.key)
  return {
    list,
    has: async (key, signal) => (await list(key, signal)).includes(key),
    put: (key, content, signal) => putNewObject(connection, { bucket, key }, content, signal),
    read: async (key, signal) =>
      Buffer.from(await getObject(connection, { bucket, key }, signal)).toString('utf8'),
  }
}
