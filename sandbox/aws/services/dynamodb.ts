import { WORLD } from '#sandbox/world.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { type AwsService, type Input, textIn } from '../service.ts'

type Attribute = Readonly<Record<string, unknown>>
type Item = Readonly<Record<string, Attribute>>

/** DynamoDB with tables whose only key is the text `key`; a table is there once something is put into it. */
export function createDynamoDb(): AwsService {
  const tables = new Map<string, Map<string, Item>>()
  const tableOf = (input: Input): Map<string, Item> => {
    const name = textIn(input, 'TableName', validation) ?? ''
    if (!/^[\w.-]{3,255}$/.test(name)) throw validation(`TableName ${name} does not fit`)
    const table = tables.get(name) ?? new Map<string, Item>()
    tables.set(name, table)
    return table
  }
  const resources = (input: Input) => [
    `arn:aws:dynamodb:${WORLD.region}:${WORLD.account}:table/${String(input['TableName'])}`,
  ]
  const leadingKey = (name: string) => (input: Input) => ({
    'dynamodb:LeadingKeys': keyOf(input[name] as Item | undefined),
  })
  return {
    name: 'dynamodb',
    dialect: jsonDialect('DynamoDB_20120810'),
    operations: {
      GetItem: {
        resources,
        context: leadingKey('Key'),
        run(input) {
          const item = tableOf(input).get(keyOf(input['Key'] as Item))
          return item === undefined ? {} : { Item: item }
        },
      },
      PutItem: {
        resources,
        context: leadingKey('Item'),
        run(input) {
          const table = tableOf(input)
          const item = input['Item'] as Item
          const key = keyOf(item)
          if (!holds(table.get(key), input))
            throw new AwsError('ConditionalCheckFailedException', 'The conditional request failed')
          table.set(key, item)
          return {}
        },
      },
      DeleteItem: {
        resources,
        context: leadingKey('Key'),
        run(input) {
          tableOf(input).delete(keyOf(input['Key'] as Item))
          return {}
        },
      },
      Scan: {
        resources,
        run: (input) => {
          const items = [...tableOf(input).values()]
          return { Items: items, Count: items.length, ScannedCount: items.length }
        },
      },
    },
  }
}

function keyOf(item: Item | undefined): string {
  const key = item?.['key']?.['S']
  if (typeof key !== 'string' || key === '')
    throw validation('The provided key element does not match the schema')
  return key
}

/** The two forms of condition that a compare-and-set is made of. */
function holds(item: Item | undefined, input: Input): boolean {
  const condition = textIn(input, 'ConditionExpression', validation)
  if (condition === undefined) return true
  const names = (input['ExpressionAttributeNames'] ?? {}) as Readonly<Record<string, string>>
  const values = (input['ExpressionAttributeValues'] ?? {}) as Item
  const nameOf = (alias: string) => names[alias] ?? alias
  const absent = /^attribute_not_exists\((#?\w+)\)$/.exec(condition)
  if (absent !== null) return item?.[nameOf(absent[1] as string)] === undefined
  const equal = /^(#?\w+) = (:\w+)$/.exec(condition)
  if (equal === null) throw validation(`Invalid ConditionExpression: ${condition}`)
  const [, name = '', value = ''] = equal
  if (values[value] === undefined) throw validation(`An expression attribute value is not defined: ${value}`)
  return JSON.stringify(item?.[nameOf(name)]) === JSON.stringify(values[value])
}

function validation(why: string): AwsError {
  return new AwsError('ValidationException', why)
}
