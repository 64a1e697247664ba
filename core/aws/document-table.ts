import { createHash } from 'node:crypto'
import type { AwsConnection } from '#core/aws/clients.ts'
import { messageOf, PgctlError } from '#core/errors.ts'
import type { Store } from '#core/store.ts'

/**
 * A {@link Store} of one DynamoDB table: the key is `key` (a text, the table's only key), the document `document` as JSON,
 * its digest `version`. Reads are consistent. What only reads and writes needs `dynamodb:GetItem` and `dynamodb:PutItem`
 * alone; `list` and `remove` need Scan and DeleteItem.
 */
export function createDocumentTable(connection: AwsConnection, table: string): Store {
  const sdk = () => import('#core/aws/parts/dynamodb.ts')
  const client = async () => new (await sdk()).DynamoDBClient(connection.settings)
  const call = <T>(action: string, purpose: string, run: () => Promise<T>) =>
    connection.call({ action: `dynamodb:${action}`, purpose, resource: table }, undefined, async () => {
      try {
        return await run()
      } catch (error) {
        throw error instanceof Error && error.name === 'ResourceNotFoundException'
          ? missing(table, error)
          : error
      }
    })

  return {
    read: (key) =>
      call('GetItem', `read ${key}`, async () => {
        const { GetItemCommand } = await sdk()
        const { Item: item } = await (await client()).send(
          new GetItemCommand({ TableName: table, Key: { key: { S: key } }, ConsistentRead: true }),
        )
        if (item === undefined) return undefined
        const { document, version } = item
        return { value: parse(document?.S, key, table), version: version?.S ?? '' }
      }),

    write: (key, value, expected) =>
      call('PutItem', `write ${key}`, async () => {
        const { PutItemCommand } = await sdk()
        const document = JSON.stringify(value)
        const version = createHash('sha256').update(document).digest('hex').slice(0, 32)
        try {
          await (await client()).send(
            new PutItemCommand({
              TableName: table,
              Item: { key: { S: key }, document: { S: document }, version: { S: version } },
              ...conditionOf(expected),
            }),
          )
        } catch (error) {
          throw isConflict(error) ? conflict(key, error) : error
        }
        return version
      }),

    remove: (key) =>
      call('DeleteItem', `remove ${key}`, async () => {
        const { DeleteItemCommand } = await sdk()
        await (await client()).send(new DeleteItemCommand({ TableName: table, Key: { key: { S: key } } }))
      }),

    list: (prefix) =>
      call('Scan', `list ${prefix}`, async () => {
        const only = { ProjectionExpression: '#k', ExpressionAttributeNames: { '#k': 'key' } }
        return (await scan(prefix, only)).map(([key]) => key)
      }),

    readAll: (prefix) =>
      call('Scan', `read ${prefix}`, async () => {
        const items = await scan(prefix, {})
        return new Map(
          items.map(([key, { document, version }]) => [
            key,
            { value: parse(document?.S, key, table), version: version?.S ?? '' },
          ]),
        )
      }),
  }

  /** The items of keys with this beginning, in their order. */
  async function scan(prefix: string, projection: object): Promise<[string, Item][]> {
    const { paginateScan } = await sdk()
    const found: [string, Item][] = []
    const pages = paginateScan(
      { client: await client() },
      { TableName: table, ConsistentRead: true, ...projection },
    )
    for await (const { Items = [] } of pages)
      for (const item of Items) if (item['key']?.S?.startsWith(prefix)) found.push([item['key'].S, item])
    return found.sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

type Item = Readonly<Record<string, { readonly S?: string | undefined } | undefined>>

/** `key` is one of the service's own words, so it goes by another name in expressions. */
function conditionOf(expected: string | undefined) {
  if (expected === undefined) return {}
  if (expected === 'absent')
    return { ConditionExpression: 'attribute_not_exists(#k)', ExpressionAttributeNames: { '#k': 'key' } }
  return {
    ConditionExpression: '#v = :expected',
    ExpressionAttributeNames: { '#v': 'version' },
    ExpressionAttributeValues: { ':expected': { S: expected } },
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException'
}

function missing(table: string, cause: Error): PgctlError {
  return new PgctlError('target-unknown', `there is no table ${table}`, {
    why: messageOf(cause),
    next: 'deploy the functions of the installation first: pgctl deploy --plan',
    cause,
  })
}

function conflict(key: string, cause: unknown): PgctlError {
  return new PgctlError('state-conflict', `the saved state ${key} has changed in the meantime`, {
    why: 'another pgctl wrote it after this one had read it',
    next: 'run the command again',
    cause,
  })
}

function parse(document: string | undefined, key: string, table: string): unknown {
  try {
    return JSON.parse(document ?? '')
  } catch (error) {
    throw new PgctlError('state-invalid', `the saved state ${key} in the table ${table} cannot be read`, {
      why: `not JSON: ${messageOf(error)}`,
      next: 'restore the item from a backup of the table, or remove it to start afresh',
      cause: error,
    })
  }
}
