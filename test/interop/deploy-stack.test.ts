import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createStackApi } from '#core/aws/stacks.ts'
import { createShelf } from '#core/checkpoint/shelf.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { noteBastionVersion } from '#core/license/bastion-version.ts'
import { installationIdOf } from '#core/license/installation-id.ts'
import { stackName, tableName } from '#core/stack/names.ts'
import { labelled } from '#core/stack/release.ts'
import type { Template } from '#core/stack/template.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { soon } from '../support/eventually.ts'
import { type PackagedCli, packCli } from '../support/packaged-cli.ts'
import { describeWith } from '../support/peers.ts'
import { CliProcess } from '../support/sandbox-cli.ts'
import type { Outcome } from '../support/transcript.ts'

/**
 * `pgctl deploy` against an emulator of AWS that others have made: what it proposes, makes, changes, takes back and goes
 * back to, and that the functions it has deployed run there.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const WORKSPACE = 'paragon-acme-5d1f0c2e'
const ACCOUNT = '000000000000'
const REGION = 'eu-central-1'
const STACK = stackName(WORKSPACE)
const INSTALLATION = installationIdOf({ cloud: 'aws', account: ACCOUNT, workspace: WORKSPACE })
const VALUES = {
  licenseSecret: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:acme`,
  subnets: 'subnet-a,subnet-b',
  securityGroup: 'sg-1',
  topic: `arn:aws:sns:${REGION}:${ACCOUNT}:alerts`,
}
const SET = Object.entries(VALUES).flatMap(([name, value]) => ['--set', `${name}=${value}`])

describeWith(['ministack'], 'deploying to an emulator', { timeout: 300_000 }, () => {
  let emulator: Emulator
  let cli: PackagedCli
  let home: string
  let environment: Record<string, string>

  before(async () => {
    cli = await packCli()
    await promisify(execFile)(
      process.execPath,
      ['bin/stack.ts', '--output', join(cli.folder, 'dist/stack')],
      { cwd: root },
    )
    emulator = await startEmulator('ministack')
    home = await mkdtemp(join(tmpdir(), 'pgctl-deploy-'))
    environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      AWS_ENDPOINT_URL: emulator.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    await mkdir(join(home, 'config/pgctl'), { recursive: true })
    await writeFile(
      join(home, 'config/pgctl/config.yaml'),
      `installations: {acme: {workspace: ${WORKSPACE}, account: "${ACCOUNT}", region: ${REGION}}}\n`,
    )
    Object.assign(process.env, environment, { HOME: process.env['HOME'], PATH: process.env['PATH'] })
  })
  after(async () => {
    for (const name of Object.keys(environment).filter((each) => /^(AWS|XDG)_/.test(each)))
      delete process.env[name]
    await emulator?.[Symbol.asyncDispose]()
    await cli?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  const run = (...argv: string[]): Promise<Outcome> =>
    new CliProcess(argv, environment, home, cli.entry).outcome
  const ask = async (...argv: string[]) => {
    const { status, stdout, stderr } = await run(...argv, '--json')
    assert.equal(status, 0, stdout + stderr)
    return JSON.parse(stdout)
  }
  const connection = () =>
    connectAws({
      region: REGION,
      environment,
      agents: createOutboundAgents(environment),
      clock: systemClock,
      version: '0',
    })
  const state = () => createStackApi(connection()).stack(STACK)

  /** The emulator tells services by the scope of a signature, and checks none. */
  async function invoke(name: string, event: object): Promise<unknown> {
    const scope = `test/20260101/${REGION}/lambda/aws4_request`
    const answer = await fetch(`${emulator.url}/2015-03-31/functions/${WORKSPACE}-${name}/invocations`, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(event),
    })
    const payload: unknown = await answer.json()
    assert.equal(answer.headers.get('x-amz-function-error'), null, JSON.stringify(payload))
    return payload
  }

  async function query(service: string, words: Readonly<Record<string, string>>): Promise<string> {
    const scope = `test/20260101/${REGION}/${service}/aws4_request`
    const answer = await fetch(emulator.url, {
      method: 'POST',
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(words).toString(),
    })
    const text = await answer.text()
    assert.ok(answer.ok, text)
    return text
  }

  async function rest(service: string, method: string, path: string, body?: object): Promise<string> {
    const scope = `test/20260101/${REGION}/${service}/aws4_request`
    const answer = await fetch(`${emulator.url}${path}`, {
      method,
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    assert.ok(answer.ok, text)
    return text
  }

  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await delay(200)
  }

  /** Makes the package one of another version, whose template differs by `change`. */
  async function release(version: string, change: (template: Template) => Template): Promise<void> {
    const path = join(cli.folder, 'dist/stack/release.json')
    const before = JSON.parse(await readFile(path, 'utf8'))
    const template = labelled(version, change(before.template))
    await writeFile(path, JSON.stringify({ ...before, version, template }))
  }

  const withMemory = (size: number) => (template: Template) => {
    const copy = structuredClone(template) as unknown as {
      Resources: { LicenseDashverifyLambdaFunction: { Properties: { MemorySize: number } } }
    }
    copy.Resources.LicenseDashverifyLambdaFunction.Properties.MemorySize = size
    return copy as unknown as Template
  }

  it('says that there is no ledger of functions before there are any', async () => {
    const { status, stderr } = await run('egress', 'list', '--deployed')
    assert.equal(status, 3, stderr)
    assert.match(stderr, /next: .*pgctl deploy --plan/)
  })

  it('says that there is no function to have the license verified by', async () => {
    const { status, stderr } = await run('license', 'verify', '--boot')
    assert.equal(status, 3, stderr)
    assert.match(stderr, /there is no function/)
  })

  it('says what is missing, and what would be made, and leaves nothing behind', async () => {
    const bare = await run('deploy', '--plan')
    assert.equal(bare.status, 2)
    assert.match(bare.stderr, /the stack needs .*Subnets.*LicenseSecret/)
    const plan = await ask('deploy', '--plan', ...SET)
    assert.deepEqual([plan.kind, plan.done, plan.versions.functions], ['create', false, null])
    assert.ok(plan.changes.length > 20)
    assert.deepEqual(new Set(plan.changes.map(({ action }: { action: string }) => action)), new Set(['add']))
    assert.equal(await state(), undefined)
  })

  it('does nothing that nobody has confirmed', async () => {
    const { status, stdout, stderr } = await run('deploy', ...SET)
    assert.equal(status, 2)
    assert.match(stdout, /rights: who may do what changes by .*LicenseVerifyRole/)
    assert.match(stderr, /nobody has confirmed it\n next: .*pgctl deploy --confirm acme/)
    assert.equal(await state(), undefined)
  })

  it('makes the stack, tells what happens, and then has nothing to change', async () => {
    const { status, stdout, stderr } = await run('deploy', ...SET, '--confirm', 'acme')
    assert.equal(status, 0, stderr)
    assert.match(stdout, /deployed: 0\.1\.0-[0-9a-f]{12} is in /)
    assert.match(stderr, /LicenseDashverifyLambdaFunction {2}update complete/)
    const deployed = await state()
    assert.equal(deployed?.status, 'UPDATE_COMPLETE')
    assert.equal(deployed?.parameters.get('Subnets'), VALUES.subnets)
    const again = await ask('deploy', '--plan')
    assert.deepEqual([again.changes, again.versions.functions], [[], '0.1.0'])
  })

  it('has deployed functions that run: the ledger is signed by the key of the stack, and the proof holds', async () => {
    const table = createDocumentTable(connection(), tableName(WORKSPACE))
    const ledger = openLedger({
      store: table,
      installation: INSTALLATION,
      clock: systemClock,
      random: systemRandom,
    })
    await ledger.append({ event: 'switch', kind: 'analytics', on: false, trigger: 'person' })
    assert.deepEqual(await invoke('ledger-checkpoint', { trigger: 'schedule' }), {
      outcome: 'signed',
      row: 1,
    })
    const proof = await ask('egress', 'verify', '--deployed')
    assert.deepEqual([proof.whole, proof.key.from, proof.checkpoints[0].row], [true, 'service', 1])
  })

  it('says that the bastion is behind, by what its unit has told the function', async () => {
    const table = createDocumentTable(connection(), tableName(WORKSPACE))
    await noteBastionVersion(table, INSTALLATION, '0.0.9', systemClock.now().wall)
    const plan = await ask('deploy', '--plan')
    assert.equal(plan.versions.bastion, '0.0.9')
    assert.deepEqual(plan.skew, ['the bastion has 0.0.9, and the functions are of 0.1.0: refresh its image'])
  })

  it('prints what is documented', async () => {
    const document = await ask('deploy', '--plan', '--set', 'checkpointLock=GOVERNANCE')
    const text = await readFile(join(root, 'docs/json-output.md'), 'utf8')
    const section = text.slice(text.indexOf('## `deploy`')).split('\n## ')[0] ?? ''
    const documented = [...section.matchAll(/^\| (`\w+`) \|/gm)].map(([, name = '']) => name.slice(1, -1))
    assert.deepEqual(Object.keys(document).sort(), documented.toSorted())
    for (const field of [...Object.keys(document.changes[0]), ...Object.keys(document.versions)])
      assert.match(section, new RegExp(`\\b${field}\\b`), field)
  })

  it('has deployed alarms that look where the functions write', async () => {
    const dimension = { Name: 'Function', Value: 'license-verify' }
    await query('monitoring', {
      Action: 'PutMetricData',
      Version: '2010-08-01',
      Namespace: 'pgctl',
      'MetricData.member.1.MetricName': 'LicenseStands',
      'MetricData.member.1.Value': '0',
      'MetricData.member.1.Dimensions.member.1.Name': dimension.Name,
      'MetricData.member.1.Dimensions.member.1.Value': dimension.Value,
    })
    const name = `${WORKSPACE}-license-not-in-force`
    await soon(
      until(async () => {
        const words = { Action: 'DescribeAlarms', Version: '2010-08-01', 'AlarmNames.member.1': name }
        return (await query('monitoring', words)).includes('<StateValue>ALARM</StateValue>')
      }),
      'the alarm',
    )
  })

  it('has deployed a schedule that runs its function', async () => {
    const table = createDocumentTable(connection(), tableName(WORKSPACE))
    const ledger = openLedger({
      store: table,
      installation: INSTALLATION,
      clock: systemClock,
      random: systemRandom,
    })
    const row = await ledger.append({ event: 'switch', kind: 'analytics', on: true, trigger: 'person' })
    // The emulator runs a schedule at its moment, and nobody waits for twelve hours here: the same target, now.
    const { Target } = JSON.parse(await rest('scheduler', 'GET', `/schedules/${WORKSPACE}-ledger-checkpoint`))
    const moment = new Date(Date.now() + 2_000).toISOString().slice(0, 19)
    const once = {
      ScheduleExpression: `at(${moment})`,
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target,
    }
    await rest('scheduler', 'POST', '/schedules/once', once)
    const shelf = createShelf(table, INSTALLATION)
    await soon(
      until(async () => ((await shelf.newest())?.note ?? '').split('\n')[1] === String(row)),
      'the checkpoint that the schedule has had signed',
      30_000,
    )
  })

  it('tells in the words of a function why it has failed', async () => {
    const { status, stderr } = await run('license', 'verify', '--deployed')
    assert.equal(status, 1, stderr)
    assert.match(
      stderr,
      /the function paragon-acme-5d1f0c2e-license-verify has failed\n {2}why: this build belongs/,
    )
  })

  it('updates what differs and keeps what is not named', async () => {
    await release('0.2.0', withMemory(512))
    const plan = await ask('deploy', '--plan')
    const changed = plan.changes.map(({ resource }: { resource: string }) => resource)
    assert.ok(changed.includes('LicenseDashverifyLambdaFunction'), JSON.stringify(changed))
    const report = await ask('deploy', '--confirm', 'acme')
    assert.deepEqual([report.kind, report.done], ['update', true])
    const deployed = await state()
    assert.equal(deployed?.outputs.get('PgctlVersion'), '0.2.0')
    assert.equal(deployed?.parameters.get('Topic'), VALUES.topic)
  })

  it('says that the functions are newer than this pgctl, and goes back when it is told to', async () => {
    const plan = await ask('deploy', '--rollback', 'previous', '--plan')
    assert.match(plan.skew[0], /the functions are of 0\.2\.0, and this pgctl is of 0\.1\.0/)
    assert.match(plan.release, /^0\.1\.0-/)
    const report = await ask('deploy', '--rollback', 'previous', '--confirm', 'acme')
    assert.equal(report.done, true)
    assert.equal((await state())?.outputs.get('PgctlVersion'), '0.1.0')
    const forth = await ask('deploy', '--rollback', '0.2.0', '--plan')
    assert.match(forth.release, /^0\.2\.0-/)
  })

  it('says what the cloud does not take, before anything is changed', async () => {
    await release('0.3.0', (template) => {
      const resources = template['Resources'] as Record<string, Template>
      const unknown = { Type: 'AWS::Nobody::Knows', Properties: {} }
      return { ...template, Resources: { ...resources, Unknown: unknown } }
    })
    const { status, stderr } = await run('deploy', '--plan')
    assert.equal(status, 1, stderr)
    assert.match(stderr, /why: .*AWS::Nobody::Knows.*\n next: correct what it names/)
  })

  it('tells the first failure, and what ran before runs still', async () => {
    await release('0.3.0', (template) => {
      const { Unknown: _, ...resources } = template['Resources'] as Record<string, Template>
      const broken = {
        Type: 'AWS::KMS::Key',
        Properties: { KeySpec: 'ECC_OF_NOBODY', KeyUsage: 'SIGN_VERIFY' },
      }
      return { ...template, Resources: { ...resources, Broken: broken as unknown as Template } }
    })
    const { status, stderr } = await run('deploy', '--confirm', 'acme')
    assert.equal(status, 1, stderr)
    assert.match(
      stderr,
      /was not deployed, and the cloud has taken it back\n {2}why: Broken \(AWS::KMS::Key\)/,
    )
    const deployed = await state()
    assert.deepEqual(
      [deployed?.status, deployed?.outputs.get('PgctlVersion')],
      ['UPDATE_ROLLBACK_COMPLETE', '0.1.0'],
    )
  })
})
