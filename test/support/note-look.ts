import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { FRESH_LIFE, type Rules } from '#core/bastion/life-state.ts'
import { activityKey, lifeKey } from '#core/bastion/names.ts'
import { tableName } from '#core/stack/names.ts'
import type { Sandbox } from '#sandbox/sandbox.ts'
import { WORLD } from '#sandbox/world.ts'

export interface NotedLook {
  /** What its stack says; 0 never stops the bastion. */
  readonly idleMinutes?: number
  /** Hours of every day at which it must be up: such as are open for two hours yet, or that open in two hours. */
  readonly hours?: 'open' | 'closed'
  /** Whether the bastion has said as well that nothing goes on. */
  readonly quiet?: boolean
}

const HOUR = 3_600_000

/** Writes down that the function that looks after the bastion has just done so, and by what it goes. */
export async function noteLook(
  { plainEndpoint: endpoint, operator }: Sandbox,
  { idleMinutes = 20, hours, quiet = false }: NotedLook = {},
): Promise<void> {
  const now = Date.now()
  const rules: Rules = {
    idleAfter: idleMinutes === 0 ? null : idleMinutes * 60_000,
    hours: hours === undefined ? null : hoursFrom(now + (hours === 'open' ? -HOUR : 2 * HOUR)),
  }
  const client = new DynamoDBClient({ endpoint, region: WORLD.region, credentials: operator })
  const write = async (key: string, document: object) => {
    const item = { key, document: JSON.stringify(document), version: 'of a test' }
    const attributes = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
    await client.send(new PutItemCommand({ TableName: tableName(WORLD.workspace), Item: attributes }))
  }
  await write(lifeKey(WORLD.workspace), { ...FRESH_LIFE, rules, lookedAt: now })
  const machine = WORLD.bastion.instanceId
  const nothing = { v: 1, at: now, machine, connections: 0, programs: 0, sessions: [] }
  if (quiet) await write(activityKey(WORLD.workspace), nothing)
  client.destroy()
}

/** Three hours of every day. */
function hoursFrom(from: number): string {
  const clock = (moment: number) => new Date(moment).toISOString().slice(11, 16)
  return `${clock(from)}-${clock(from + 3 * HOUR)} UTC`
}
