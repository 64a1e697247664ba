import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb'
import { CreateSubnetCommand, CreateVpcCommand, EC2Client } from '@aws-sdk/client-ec2'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import { type Emulator, startEmulator } from '../support/emulator.ts'
import { type PackagedCli, packCli } from '../support/packaged-cli.ts'
import { describeWith } from '../support/peers.ts'

/**
 * The smoke test for an account of AWS, in an emulator as far as that goes: what it says and refuses before it makes
 * anything, and that it removes what it has made when somebody interrupts it.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const REGION = 'eu-central-1'
const ACCOUNT = '000000000000'

describeWith(['ministack'], 'the smoke test for an account', { timeout: 300_000 }, () => {
  let cli: PackagedCli
  let emulator: Emulator
  let environment: Record<string, string>

  before(async () => {
    cli = await packCli()
    const stack = ['bin/stack.ts', '--output', join(cli.folder, 'dist/stack')]
    await promisify(execFile)(process.execPath, stack, { cwd: root })
    emulator = await startEmulator('ministack')
    Object.assign(process.env, {
      ...{ AWS_ENDPOINT_URL: emulator.url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    })
    const ec2 = new EC2Client({ region: REGION })
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: '10.0.16.0/24' }),
    )
    environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      AWS_ENDPOINT_URL: emulator.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      PGCTL_TEST_AWS_ENTRY: cli.entry,
      PGCTL_TEST_AWS_ACCOUNT: ACCOUNT,
      PGCTL_TEST_AWS_REGION: REGION,
      PGCTL_TEST_AWS_VPC: Vpc?.VpcId ?? '',
      PGCTL_TEST_AWS_CIDR: '10.0.0.0/16',
      PGCTL_TEST_AWS_SUBNETS: Subnet?.SubnetId ?? '',
      PGCTL_TEST_AWS_GROUP: 'sg-0123456789abcdef0',
      PGCTL_TEST_AWS_IMAGE: 'ami-0123456789abcdef0',
      // The emulator knows none.
      PGCTL_TEST_AWS_DOCUMENT: '',
    }
  })
  after(async () => {
    for (const name of Object.keys(process.env)) if (/^AWS_/.test(name)) delete process.env[name]
    await emulator?.[Symbol.asyncDispose]()
    await cli?.[Symbol.asyncDispose]()
  })

  const run = (change: Readonly<Record<string, string>>) =>
    promisify(execFile)(process.execPath, [join(root, 'bin/test-aws.ts')], {
      cwd: root,
      env: { ...environment, ...change },
    }).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ status: code, stdout, stderr }),
    )
  const stacks = async () => {
    const { Stacks = [] } = await new CloudFormationClient({ region: REGION }).send(
      new DescribeStacksCommand({}),
    )
    return Stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE').map(
      ({ StackName }) => StackName,
    )
  }

  it('is no part of the tests that everybody runs', async () => {
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    assert.match(scripts['test:aws'], /bin\/test-aws\.ts$/)
    assert.ok(!scripts.test.includes('aws'))
  })

  it('says what it costs, and makes nothing that nobody has confirmed', async () => {
    const { status, stdout, stderr } = await run({})
    assert.equal(status, 2)
    assert.match(stdout, /less than 0\.25 USD.*what is left costs about 20 USD a month/s)
    assert.match(stderr, /nothing was made: set PGCTL_TEST_AWS_CONFIRM=000000000000/)
    assert.deepEqual(await stacks(), [])
  })

  it('makes nothing in another account than the one that is named', async () => {
    const other = '111122223333'
    const { status, stderr } = await run({ PGCTL_TEST_AWS_ACCOUNT: other, PGCTL_TEST_AWS_CONFIRM: other })
    assert.equal(status, 2)
    assert.match(stderr, /these credentials .* are of the account 000000000000/)
    assert.deepEqual(await stacks(), [])
  })

  it('names a setting that is missing', async () => {
    const { status, stderr } = await run({ PGCTL_TEST_AWS_IMAGE: '' })
    assert.equal(status, 2)
    assert.match(stderr, /PGCTL_TEST_AWS_IMAGE/)
  })

  it('removes what it has made when somebody interrupts it', async () => {
    const child = spawn(process.execPath, [join(root, 'bin/test-aws.ts')], {
      cwd: root,
      env: { ...environment, PGCTL_TEST_AWS_CONFIRM: ACCOUNT },
    })
    let shown = ''
    let made: unknown[] = []
    const listen = (data: Buffer) => {
      const before = shown
      shown += data.toString()
      // The emulator has no machine that would answer: whoever waits for it ends the waiting.
      if (!before.includes('starting it') && shown.includes('starting it'))
        void stacks().then((names) => {
          made = names
          child.kill('SIGINT')
        })
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    const status = await new Promise((resolve) => child.on('close', resolve))
    assert.equal(status, 1, shown)
    assert.equal(made.length, 2, shown)
    assert.match(shown, /ok: the group is at 0/)
    assert.match(shown, /nothing is left but two keys/)
    assert.deepEqual(await stacks(), [])
    const { TableNames } = await new DynamoDBClient({ region: REGION }).send(new ListTablesCommand({}))
    const { Buckets = [] } = await new S3Client({ region: REGION }).send(new ListBucketsCommand({}))
    assert.deepEqual([TableNames, Buckets.map(({ Name }) => Name)], [[], []])
  })
})
