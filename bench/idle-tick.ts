import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { systemClock } from '#core/io/system-clock.ts'
import { tick } from '#core/snapshots/io/tick.ts'
import { SnapshotWorlds } from '#sandbox/aws/snapshots/snapshot-worlds.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { wireSnapshotFunction } from '../functions/snapshot-deps.ts'
import { startTestCloud } from '../test/support/test-cloud.ts'

/** The calls of one scheduled run. */
export interface TickCalls {
  readonly all: number
  /** Of those, the ones that list something. */
  readonly listings: readonly string[]
}

/**
 * The calls of a scheduled run that has nothing to do, in the sandbox's larger installation, with so many snapshots of
 * others beside it. Run in a process of its own: the SDK reads its endpoint from the environment.
 */
export async function callsOfIdleTick(foreign: number): Promise<TickCalls> {
  const worlds = new SnapshotWorlds({ takes: 0, manualLimit: 1_000_000 })
  await using place = await startTestCloud({ snapshots: worlds })
  place.cloud.state.turn({ account: GLOBEX.account })
  const world = worlds.ofAccount(GLOBEX.account)
  for (let index = 0; index < foreign; index++)
    world.put({
      ...{ family: 'db', region: GLOBEX.region, name: `by-hand-${index}`, source: 'somebodys', manual: true },
      ...{ kmsKeyId: undefined, tags: {}, copied: false, createdAt: 1, takenAt: 1, readyAt: 1 },
    })
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL: place.url, AWS_ACCESS_KEY_ID: place.operator.accessKeyId },
    AWS_SECRET_ACCESS_KEY: place.operator.secretAccessKey,
  })
  const parameter = '/pgctl/bench/snapshot-policy'
  const ssm = new SSMClient({ region: GLOBEX.region })
  const Value =
    "zone: UTC\nsets: { yearly: { what: [all], when: { cron: '0 0 29 2 *' }, keep: { last: 3 } } }\n"
  await ssm.send(new PutParameterCommand({ Name: parameter, Value, Type: 'String' }))
  const { workspace, region, shell } = wireSnapshotFunction(
    {
      ...{ AWS_REGION: GLOBEX.region, PGCTL_WORKSPACE: GLOBEX.workspace, PGCTL_PRODUCT: 'paragon' },
      ...{ PGCTL_SNAPSHOT_TABLE: 'pgctl-snapshots', PGCTL_SNAPSHOT_POLICY_PARAMETER: parameter },
      PGCTL_SNAPSHOT_DELETE_ROLE: `arn:aws:iam::${GLOBEX.account}:role/${GLOBEX.workspace}-snapshot-delete`,
    },
    new URL('../profiles/', import.meta.url),
  )
  const run = () =>
    tick({ workspace, region, now: systemClock.now().wall }, shell(AbortSignal.timeout(60_000)))
  // The first one takes the policy on.
  await run()
  const last = place.cloud.calls.last
  const { results } = await run()
  if (results.length > 0) throw new Error('something was due')
  const calls = place.cloud.calls.since(last).map(({ service, action }) => `${service}:${action}`)
  return { all: calls.length, listings: calls.filter((name) => /^(rds|elasticache):/.test(name)) }
}

if (process.argv[2] !== undefined)
  process.stdout.write(JSON.stringify(await callsOfIdleTick(Number(process.argv[2]))))
