import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createBastionControl } from '#core/aws/bastion-control.ts'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { createStackApi } from '#core/aws/stacks.ts'
import { bastionStackName, lifeKey } from '#core/bastion/names.ts'
import { createOutboundAgents, type OutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { tableName } from '#core/stack/names.ts'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { type PackagedCli, packCli } from '../support/packaged-cli.ts'
import { describeWith } from '../support/peers.ts'
import { CliProcess } from '../support/sandbox-cli.ts'
import type { Outcome } from '../support/transcript.ts'

/**
 * The stack of the bastion in an emulator of AWS that others have made: proposed, made, looked after by the function as
 * it is packed, and destroyed. It knows neither session documents nor access entries of a cluster, and drops what it
 * does not know: these parts are left out here, and held by `test/contract/bastion-template.test.ts` and cfn-lint.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const WORKSPACE = 'paragon-acme-5d1f0c2e'
const ACCOUNT = '000000000000'
const REGION = 'eu-central-1'
const GROUP = `${WORKSPACE}-bastion`
const ROLE = `${WORKSPACE}-pgctl-bastion`
const IMAGE = 'ami-0123456789abcdef0'

describeWith(['ministack'], 'the stack of the bastion in an emulator', { timeout: 300_000 }, () => {
  let emulator: Emulator
  let cli: PackagedCli
  let home: string
  let agents: OutboundAgents
  let environment: Record<string, string>
  let set: string[] = []
  let vpc = ''
  let ofDatabase = ''

  before(async () => {
    cli = await packCli()
    await promisify(execFile)(
      process.execPath,
      ['bin/stack.ts', '--output', join(cli.folder, 'dist/stack')],
      { cwd: root },
    )
    emulator = await startEmulator('ministack')
    agents = createOutboundAgents({})
    home = await mkdtemp(join(tmpdir(), 'pgctl-bastion-'))
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
    vpc = /<vpcId>(vpc-\w+)</.exec(await ec2({ Action: 'CreateVpc', CidrBlock: '10.0.0.0/16' }))?.[1] ?? ''
    const subnet = await ec2({ Action: 'CreateSubnet', VpcId: vpc, CidrBlock: '10.0.16.0/24' })
    ofDatabase = await securityGroup('databases')
    await database(WORKSPACE)
    set = Object.entries({
      ...{ ImageId: IMAGE, VpcId: vpc, VpcCidr: '10.0.0.0/16' },
      Subnets: /<subnetId>(subnet-\w+)</.exec(subnet)?.[1] ?? '',
      SessionDocument: '',
      Datastores: 'none',
    }).flatMap(([name, value]) => ['--set', `${name}=${value}`])
  })
  after(async () => {
    for (const name of Object.keys(environment).filter((each) => /^(AWS|XDG)_/.test(each)))
      delete process.env[name]
    agents?.close()
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
    connectAws({ region: REGION, environment, agents, clock: systemClock, version: '0' })
  const table = () => createDocumentTable(connection(), tableName(WORKSPACE))
  const group = () => createBastionControl(connection(), GROUP).look()

  /** The emulator tells services by the scope of a signature, and checks none. */
  async function request(service: string, path: string, init: RequestInit): Promise<string> {
    const scope = `test/20260101/${REGION}/${service}/aws4_request`
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`
    const answer = await fetch(`${emulator.url}${path}`, {
      ...init,
      headers: { authorization, ...(init.headers as Record<string, string>) },
    })
    const text = await answer.text()
    assert.ok(answer.ok, text)
    assert.equal(answer.headers.get('x-amz-function-error'), null, text)
    return text
  }
  const ec2 = (words: Readonly<Record<string, string>>) =>
    request('ec2', '/', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ Version: '2016-11-15', ...words }).toString(),
    })
  const securityGroup = async (name: string) => {
    const made = await ec2({
      Action: 'CreateSecurityGroup',
      GroupName: name,
      GroupDescription: name,
      VpcId: vpc,
    })
    return /<groupId>(sg-\w+)</.exec(made)?.[1] ?? ''
  }
  const database = (id: string) =>
    request('rds', '/', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        ...{
          Action: 'CreateDBInstance',
          Version: '2014-10-31',
          DBInstanceIdentifier: id,
          Engine: 'postgres',
        },
        ...{ DBInstanceClass: 'db.t4g.micro', AllocatedStorage: '20', MasterUsername: 'postgres' },
        ...{ MasterUserPassword: 'of-a-test-alone', 'VpcSecurityGroupIds.VpcSecurityGroupId.1': ofDatabase },
      }).toString(),
    })
  const logGroups = async () => {
    const target = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.DescribeLogGroups',
    }
    const text = await request('logs', '/', { method: 'POST', headers: target, body: '{}' })
    const { logGroups: groups } = JSON.parse(text) as {
      logGroups: { logGroupName: string; retentionInDays?: number }[]
    }
    return groups.filter(({ logGroupName }) => /\/(audit|sessions)$/.test(logGroupName))
  }
  const tick = async () =>
    JSON.parse(
      await request('lambda', `/2015-03-31/functions/${WORKSPACE}-bastion-tick/invocations`, {
        method: 'POST',
        body: JSON.stringify({ trigger: 'schedule' }),
      }),
    ) as Record<string, unknown>

  it('is not made where nothing would look after it', async () => {
    const { status, stderr } = await run('bastion', 'deploy', '--plan', ...set)
    assert.equal(status, 3, stderr)
    assert.match(stderr, /nothing that would look after a bastion/)
    const values = {
      licenseSecret: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:acme`,
      ...{ subnets: 'subnet-a,subnet-b', securityGroup: 'sg-1' },
      topic: `arn:aws:sns:${REGION}:${ACCOUNT}:alerts`,
    }
    const given = Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`])
    await ask('deploy', '--confirm', 'acme', ...given)
    assert.deepEqual([(await tick())['state'], await group()], ['missing', undefined])
  })

  it('says what is missing, what would be made, and makes nothing that nobody has confirmed', async () => {
    const bare = await run('bastion', 'deploy', '--plan', '--set', `VpcId=vpc-1`)
    assert.equal(bare.status, 2)
    assert.match(bare.stderr, /the stack needs .*ImageId/)
    const plan = await ask('bastion', 'deploy', '--plan', ...set)
    assert.deepEqual([plan.kind, plan.done], ['create', false])
    const types = plan.changes.map(({ type }: { type: string }) => type)
    for (const type of [
      'AWS::AutoScaling::AutoScalingGroup',
      'AWS::EC2::LaunchTemplate',
      'AWS::EC2::SecurityGroup',
    ])
      assert.ok(types.includes(type), type)
    // Where the network bears the name that the profile gives it, network and subnets are found.
    const [vpc = ''] = set.flatMap((word) => /^VpcId=(.*)$/.exec(word)?.[1] ?? [])
    await ec2({
      Action: 'CreateTags',
      'ResourceId.1': vpc,
      'Tag.1.Key': 'Name',
      'Tag.1.Value': `${WORKSPACE}-vpc`,
    })
    const little = ['--set', `ImageId=${IMAGE}`, '--set', 'SessionDocument=']
    const found = await ask('bastion', 'deploy', '--plan', ...little, '--set', 'Datastores=none')
    assert.equal(found.changes.length, plan.changes.length)
    // So are datastores; a rule of its own kind is what this emulator does not know, and refuses.
    const refused = await run('bastion', 'deploy', '--plan', ...little)
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /Unrecognized resource types: \[AWS::EC2::SecurityGroupIngress\]/)
    assert.match(refused.stderr, /kafka cannot be seen \(kafka:ListClustersV2\): .* stays as it is/)
    const unconfirmed = await run('bastion', 'deploy', ...set)
    assert.equal(unconfirmed.status, 2)
    assert.match(unconfirmed.stdout, /rights: who may do what changes by .*BastionRole/)
    assert.equal(await createStackApi(connection()).stack(bastionStackName(WORKSPACE)), undefined)
  })

  it('is made at 0, and the function that is there looks after it', async () => {
    const { done } = await ask('bastion', 'deploy', '--confirm', 'acme', ...set)
    assert.equal(done, true)
    const made = await group()
    assert.deepEqual([made?.sizes, made?.machines], [{ minimum: 0, maximum: 1, desired: 0 }, []])
    const versions = await ec2({
      ...{
        Action: 'DescribeLaunchTemplateVersions',
        LaunchTemplateName: ROLE,
        'LaunchTemplateVersion.1': '$Latest',
      },
    })
    assert.match(versions, new RegExp(`<imageId>${IMAGE}<`))
    assert.match(versions, /<httpTokens>required</)
    const userData = /<userData>([^<]*)</.exec(versions)?.[1] ?? ''
    const audit = `/pgctl/${WORKSPACE}/audit`
    assert.deepEqual(JSON.parse(Buffer.from(userData, 'base64').toString()).audit, { logGroup: audit })
    const kept = (await logGroups()).map(({ logGroupName, retentionInDays }) => [
      logGroupName,
      retentionInDays,
    ])
    assert.deepEqual(kept.sort(), [
      [audit, 365],
      [`/pgctl/${WORKSPACE}/sessions`, 365],
    ])
    const groups = await ec2({
      ...{ Action: 'DescribeSecurityGroups', 'Filter.1.Name': 'group-name', 'Filter.1.Value.1': ROLE },
    })
    assert.match(groups, /<ipPermissions\s*\/>|<ipPermissions><\/ipPermissions>/)
    const looked = await tick()
    assert.deepEqual([looked['state'], looked['desired']], ['stopped', 0])
    assert.ok((await table().read(lifeKey(WORKSPACE))) !== undefined)
    const status = await ask('bastion', 'status')
    assert.equal(status.state, 'stopped')
  })

  it('is started within the hours that its functions are deployed with, and left to who stops it', async () => {
    await ask('deploy', '--confirm', 'acme', '--set', 'bastionHours=00:00-24:00 UTC')
    const looked = await tick()
    assert.deepEqual(
      [looked['state'], looked['says'], looked['done']],
      ['starting', 'is started: up by schedule without an end (00:00-24:00 UTC)', 1],
    )
    assert.equal((await group())?.sizes.desired, 1)
    const status = await ask('bastion', 'status')
    assert.deepEqual(
      [status.rules.hours, status.schedule.up, status.schedule.until],
      ['00:00-24:00 UTC', true, null],
    )
    const stopped = await ask('bastion', 'stop', '--confirm', 'acme')
    assert.equal(stopped.stopped, true)
    assert.match(stopped.next, /T00:00:00.000Z$/)
    assert.equal((await tick())['state'], 'stopped')
    assert.equal((await group())?.sizes.desired, 0)
    await ask('deploy', '--confirm', 'acme', '--set', 'bastionHours=')
    await tick()
    assert.equal((await ask('bastion', 'status')).rules.hours, null)
  })

  it('changes nothing when it is deployed again, and makes a new version of another image', async () => {
    const again = await ask('bastion', 'deploy', '--plan')
    assert.deepEqual([again.kind, again.changes], ['update', []])
    const newer = await ask('bastion', 'deploy', '--plan', '--set', 'ImageId=ami-0fedcba9876543210')
    assert.ok(newer.changes.some(({ type }: { type: string }) => type === 'AWS::EC2::LaunchTemplate'))
  })

  it('leaves nothing behind when it is destroyed, and asks first', async () => {
    const unconfirmed = await run('bastion', 'destroy')
    assert.equal(unconfirmed.status, 2)
    assert.ok((await group()) !== undefined)
    assert.deepEqual(await ask('bastion', 'destroy', '--confirm', 'acme'), {
      ...{ stack: bastionStackName(WORKSPACE), done: true },
    })
    assert.equal(await createStackApi(connection()).stack(bastionStackName(WORKSPACE)), undefined)
    assert.equal(await group(), undefined)
    assert.deepEqual(await logGroups(), [])
    const templates = await ec2({ Action: 'DescribeLaunchTemplates' })
    assert.ok(!templates.includes(ROLE), templates)
    const groups = await ec2({ Action: 'DescribeSecurityGroups' })
    assert.ok(!groups.includes(ROLE), groups)
    const roles = await request('iam', '/?Action=ListRoles&Version=2010-05-08', { method: 'GET' })
    assert.ok(!roles.includes(`${ROLE}<`))
    assert.ok(roles.includes(`${WORKSPACE}-bastion-tick<`), 'the functions stay')
    assert.deepEqual(await table().list('bastion'), [])
    assert.deepEqual(await ask('bastion', 'destroy', '--confirm', 'acme'), {
      ...{ stack: bastionStackName(WORKSPACE), done: false },
    })
    assert.equal((await tick())['state'], 'missing')
  })

  it('is not made beside a group of that name that somebody else has made', async () => {
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const template = { Action: 'CreateLaunchTemplate', LaunchTemplateName: 'other' }
    await ec2({ ...template, 'LaunchTemplateData.ImageId': IMAGE })
    await request('autoscaling', '/', {
      ...form,
      body: new URLSearchParams({
        ...{ Action: 'CreateAutoScalingGroup', Version: '2011-01-01', AutoScalingGroupName: GROUP },
        ...{ MinSize: '0', MaxSize: '1', DesiredCapacity: '0', 'LaunchTemplate.LaunchTemplateName': 'other' },
        'AvailabilityZones.member.1': `${REGION}a`,
      }).toString(),
    })
    const { status, stderr } = await run('bastion', 'deploy', '--confirm', 'acme', ...set)
    assert.equal(status, 1, stderr)
    assert.match(stderr, /there is a group paragon-acme-5d1f0c2e-bastion already, and it is not ours/)
  })
})
