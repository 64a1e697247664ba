import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Activity } from '#core/bastion/activity.ts'
import { FRESH_LIFE } from '#core/bastion/life-state.ts'
import { activityKey, lifeKey } from '#core/bastion/names.ts'
import { tableName } from '#core/stack/names.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'

/** Writes down that the function that looks after the bastion has just done so. */
export function noteLook(sandbox: Sandbox): Promise<void> {
  return put(sandbox, lifeKey(WORLD.workspace), { ...FRESH_LIFE, lookedAt: Date.now() })
}

/** Writes down what the bastion has just said: nothing goes on, and its audit log is so many minutes behind. */
export function noteReport(sandbox: Sandbox, minutes: number): Promise<void> {
  const at = Date.now()
  const report: Activity = {
    ...{ v: 1, at, machine: WORLD.bastion.instanceId, connections: 0, programs: 0, sessions: [] },
    audit: { at, oldest: at - minutes * 60_000, trouble: 'permission-denied' },
  }
  return put(sandbox, activityKey(WORLD.workspace), report)
}

async function put(
  { plainEndpoint: endpoint, operator }: Sandbox,
  key: string,
  value: object,
): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: WORLD.region, credentials: operator })
  const item = { key, document: JSON.stringify(value), version: 'of a test' }
  const attributes = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
  await client.send(new PutItemCommand({ TableName: tableName(WORLD.workspace), Item: attributes }))
  client.destroy()
}
