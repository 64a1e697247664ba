import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Activity } from '#core/bastion/activity.ts'
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
  sandbox: Sandbox,
  { idleMinutes = 20, hours, quiet = false }: NotedLook = {},
): Promise<void> {
  const now = Date.now()
  const rules: Rules = {
    idleAfter: idleMinutes === 0 ? null : idleMinutes * 60_000,
    hours: hours === undefined ? null : hoursFrom(now + (hours === 'open' ? -HOUR : 2 * HOUR)),
  }
  await put(sandbox, lifeKey(WORLD.workspace), { ...FRESH_LIFE, rules, lookedAt: now })
  if (quiet) await put(sandbox, activityKey(WORLD.workspace), nothingAt(now))
}

/** Writes down what the bastion has just said: nothing goes on, and its audit log is so many minutes behind. */
export async function noteReport(sandbox: Sandbox, minutes: number): Promise<void> {
  const at = Date.now()
  const audit = { at, oldest: at - minutes * 60_000, trouble: 'permission-denied' } as const
  await put(sandbox, activityKey(WORLD.workspace), { ...nothingAt(at), audit })
}

function nothingAt(at: number): Activity {
  return { v: 1, at, machine: WORLD.bastion.instanceId, connections: 0, programs: 0, sessions: [] }
}

async function put(
  { plainEndpoint: endpoint, operator }: Sandbox,
  key: string,
  document: object,
): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: WORLD.region, credentials: operator })
  const item = { key, document: JSON.stringify(document), version: 'of a test' }
  const attributes = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
  await client.send(new PutItemCommand({ TableName: tableName(WORLD.workspace), Item: attributes }))
  client.destroy()
}

/** Three hours of every day. */
function hoursFrom(from: number): string {
  const clock = (moment: number) => new Date(moment).toISOString().slice(11, 16)
  return `${clock(from)}-${clock(from + 3 * HOUR)} UTC`
}
