import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { FRESH_LIFE } from '#core/bastion/life-state.ts'
import { lifeKey } from '#core/bastion/names.ts'
import { tableName } from '#core/stack/names.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'

/** Writes down that the function that looks after the bastion has just done so, and by what it goes. */
export async function noteLook(
  { plainEndpoint: endpoint, operator }: Sandbox,
  { idleMinutes = 20 }: { readonly idleMinutes?: number } = {},
): Promise<void> {
  const rules = { idleAfter: idleMinutes === 0 ? null : idleMinutes * 60_000 }
  const client = new DynamoDBClient({ endpoint, region: WORLD.region, credentials: operator })
  const document = JSON.stringify({ ...FRESH_LIFE, rules, lookedAt: Date.now() })
  const item = { key: lifeKey(WORLD.workspace), document, version: 'of a test' }
  const attributes = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
  await client.send(new PutItemCommand({ TableName: tableName(WORLD.workspace), Item: attributes }))
  client.destroy()
}
