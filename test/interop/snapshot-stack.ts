/**
 * Run by `snapshot-stack.test.ts` in a network of its own that has only the loopback: an emulator of AWS in which the
 * packaged template is deployed and a database lives; its scheduler fires the function, as often as the policy is
 * changed here, and what has come of it is read back. Prints it as one line of JSON.
 */
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateDBInstanceCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from '@aws-sdk/client-rds'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { StackEmulator } from '../support/stack-emulator.ts'

const [folder = '', emulator = ''] = process.argv.slice(2)
const REGION = 'eu-central-1'
const WORKSPACE = 'paragon-acme-5d1f0c2e'
const HOUR = 3_600_000
/** Slots are counted back from here: by the clock of each run, two of them could be the same minute. */
const began = Date.now()

await promisify(execFile)('ip', ['link', 'set', 'lo', 'up'])
const server = spawn(emulator, [], {
  env: { ...process.env, GATEWAY_PORT: '4566', MINISTACK_HOST: '127.0.0.1', BIND_HOST: '127.0.0.1' },
  stdio: 'ignore',
})
try {
  const stack = new StackEmulator('http://127.0.0.1:4566', REGION)
  await stack.ready()
  Object.assign(process.env, {
    ...{ AWS_ENDPOINT_URL: stack.url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
  })
  const rds = new RDSClient({ region: REGION })
  // Far from now: in its windows a database is left alone.
  const later = new Date(Date.now() + 8 * HOUR)
  const [hour, next] = [later, new Date(later.getTime() + HOUR)].map((at) => at.toISOString().slice(11, 13))
  await rds.send(
    new CreateDBInstanceCommand({
      ...{ DBInstanceIdentifier: WORKSPACE, DBInstanceClass: 'db.t4g.small', Engine: 'postgres' },
      ...{ AllocatedStorage: 20, MasterUsername: 'postgres', MasterUserPassword: 'only for a test' },
    }),
  )
  // This emulator takes a new database's windows from nobody (they are at 03:00), but those of one that is there.
  await rds.send(
    new ModifyDBInstanceCommand({
      ...{ DBInstanceIdentifier: WORKSPACE, ApplyImmediately: true },
      PreferredBackupWindow: `${hour}:00-${hour}:30`,
      PreferredMaintenanceWindow: `sun:${next}:00-sun:${next}:30`,
    }),
  )
  await writePolicy(0)
  const template = JSON.parse(
    await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8'),
  )
  const archives = {
    LicenseDashverify: 'license-verify.zip',
    LedgerDashcheckpoint: 'ledger-checkpoint.zip',
    SnapshotDashtick: 'snapshot-tick.zip',
    BastionDashtick: 'bastion-tick.zip',
  }
  await stack.deploy(template, archives, folder)

  const runs: unknown[] = []
  // The schedule of the template fires by itself; for the others it is taken as it stands, under another name.
  for (let run = 0; run < 4; run++) {
    if (run > 0) {
      await writePolicy(run)
      await stack.fireAgain(`${WORKSPACE}-snapshot-tick`, `again-${run}`)
    }
    await stack.until(async () => (await figures()).length > run)
    runs.push((await figures())[run])
  }
  // The same once more: nothing is due, and nothing is made.
  await stack.fireAgain(`${WORKSPACE}-snapshot-tick`, 'idle')
  await stack.until(async () => (await figures()).length > 4)

  const { DBSnapshots: snapshots = [] } = await rds.send(
    new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }),
  )
  const agents = createOutboundAgents({})
  const connection = connectAws({
    ...{ region: REGION, environment: process.env, agents, clock: systemClock, version: '0' },
  })
  const store = createDocumentTable(connection, `${WORKSPACE}-pgctl-snapshots`)
  const keys = await store.list('')
  agents.close()
  process.stdout.write(
    `${JSON.stringify({
      runs,
      idle: (await figures())[4],
      snapshots: snapshots.map(({ DBSnapshotIdentifier, TagList = [] }) => ({
        name: DBSnapshotIdentifier,
        tags: Object.fromEntries(TagList.map(({ Key, Value }) => [Key, Value])),
      })),
      keys,
      figures: await stack.logLines(`/aws/lambda/${WORKSPACE}-snapshot-tick`, 'SnapshotAgeHours'),
    })}\n`,
  )

  /** The line that sums up each run. */
  async function figures(): Promise<Record<string, unknown>[]> {
    const lines = await stack.logLines(`/aws/lambda/${WORKSPACE}-snapshot-tick`, '"msg":')
    return lines.filter(({ msg }) => msg === 'done' || msg === 'failed')
  }

  /** A slot of the last minutes, another one each time. */
  async function writePolicy(back: number): Promise<void> {
    const at = new Date(began - (back + 1) * 60_000)
    const text = `zone: UTC
sets:
  now:
    what: [all]
    when: { cron: '${at.getUTCMinutes()} ${at.getUTCHours()} * * *', start-within: 23h }
    keep: { last: 2, minimum: 1 }
`
    const ssm = new SSMClient({ region: REGION })
    const Name = `/pgctl/${WORKSPACE}/snapshot-policy`
    await ssm.send(new PutParameterCommand({ Name, Value: text, Type: 'String', Overwrite: true }))
  }
} finally {
  server.kill('SIGKILL')
}
