import { hash } from 'node:crypto'
import { AwsError } from '../aws-error.ts'
import type { XmlOutput } from '../dialects/rest-xml.ts'
import { page } from '../pages.ts'
import type { Call, Input, Operation } from '../service.ts'
import { many } from '../xml.ts'

/** What is in buckets: objects by key, whole, in no version but the newest. */

interface StoredObject {
  readonly content: Uint8Array
  readonly modified: Date
}

/** Throws what the service answers for a bucket that the caller cannot use there. */
type RequireBucket = (bucket: string, call: Call) => unknown

const MOST_KEYS = 1_000

export function objectOperations(requireBucket: RequireBucket): Record<string, Operation> {
  const buckets = new Map<string, Map<string, StoredObject>>()
  const resources = (input: Input) => [`arn:aws:s3:::${String(input['bucket'])}/${String(input['key'])}`]
  const objectsOf = (input: Input, call: Call): Map<string, StoredObject> => {
    const name = String(input['bucket'])
    requireBucket(name, call)
    const objects = buckets.get(name) ?? new Map<string, StoredObject>()
    buckets.set(name, objects)
    return objects
  }
  return {
    ListObjectsV2: {
      action: 'ListBucket',
      resources: (input) => [`arn:aws:s3:::${String(input['bucket'])}`],
      run: (input, call) => list(input, call, objectsOf(input, call)),
    },
    GetObject: {
      resources,
      run(input, call): XmlOutput {
        const found = objectsOf(input, call).get(String(input['key']))
        if (found === undefined) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404)
        const { content, modified } = found
        return {
          body: content,
          headers: {
            'content-type': 'application/octet-stream',
            etag: tagOf(content),
            'last-modified': modified.toUTCString(),
          },
        }
      },
    },
    PutObject: {
      resources,
      run(input, call): XmlOutput {
        const objects = objectsOf(input, call)
        const key = String(input['key'])
        if (input['if-none-match'] === '*' && objects.has(key))
          throw new AwsError(
            'PreconditionFailed',
            'At least one of the pre-conditions you specified did not hold',
            412,
          )
        const content = input['body'] as Uint8Array
        objects.set(key, { content, modified: new Date(call.now.wall) })
        return { headers: { etag: tagOf(content) } }
      },
    },
  }
}

function list(input: Input, call: Call, objects: ReadonlyMap<string, StoredObject>): XmlOutput {
  const { prefix = '', 'max-keys': most, 'continuation-token': token, 'start-after': after = '' } = input
  const size = most === undefined ? MOST_KEYS : Math.min(Number(most), MOST_KEYS)
  if (!Number.isInteger(size) || size < 0)
    throw new AwsError('InvalidArgument', 'Provided max-keys not an integer or within integer range')
  const found = [...objects]
    .filter(([key]) => key.startsWith(String(prefix)) && key > String(after))
    .sort(([one], [other]) => (one < other ? -1 : 1))
  const refuse = (): never => {
    throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect')
  }
  const { items, next } = page(
    found,
    size,
    token === undefined ? undefined : String(token),
    refuse,
    call.paging,
  )
  return {
    root: 'ListBucketResult',
    content: {
      Name: String(input['bucket']),
      Prefix: String(prefix),
      KeyCount: items.length,
      MaxKeys: size,
      IsTruncated: next !== undefined,
      NextContinuationToken: next,
      Contents: many(
        'Contents',
        items.map(([Key, { content, modified }]) => ({
          Key,
          LastModified: modified.toISOString(),
          ETag: tagOf(content),
          Size: content.length,
          StorageClass: 'STANDARD',
        })),
      ),
    },
  }
}

function tagOf(content: Uint8Array): string {
  return `"${hash('md5', content)}"`
}
