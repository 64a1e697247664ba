// `npm run test:aws`: deploys functions and bastion into an account of AWS, opens a session, and removes all of it.
//
//   PGCTL_TEST_AWS_ACCOUNT=111122223333 PGCTL_TEST_AWS_REGION=eu-central-1 \
//   PGCTL_TEST_AWS_VPC=vpc-… PGCTL_TEST_AWS_CIDR=10.0.0.0/16 PGCTL_TEST_AWS_SUBNETS=subnet-…,subnet-… \
//   PGCTL_TEST_AWS_GROUP=sg-… PGCTL_TEST_AWS_IMAGE=ami-… npm run test:aws
//
// It prints what it makes and costs, and makes nothing before PGCTL_TEST_AWS_CONFIRM repeats the account. The subnets
// are private with a NAT; the image is ours, or any whose agent registers and that runs cloud-init. Credentials are
// those of the environment, of an administrator; a role would need what CloudFormation does in its name.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { removeAll } from './test-aws-cleanup.ts'

/** The pgctl that is tried: this one, with the stack that was packaged for it, unless another is named. */
const entry =
  process.env['PGCTL_TEST_AWS_ENTRY'] || fileURLToPath(new URL('../dist/main.js', import.meta.url))
const NAME = 'smoke'

interface Settings {
  readonly account: string
  readonly region: string
  readonly workspace: string
  readonly vpc: string
  readonly cidr: string
  readonly subnets: string
  readonly group: string
  readonly image: string
}

const say = (text: string) => process.stdout.write(`${text}\n`)

/** Ends with status 2 and what to do; nothing was made. */
function refuse(text: string): never {
  process.stderr.write(`${text}\n`)
  process.exit(2)
}

function settingsOf(environment: NodeJS.ProcessEnv): Settings {
  const of = (name: string, form: RegExp) => {
    const value = environment[`PGCTL_TEST_AWS_${name}`] ?? ''
    return form.test(value) ? value : refuse(`PGCTL_TEST_AWS_${name} is "${value}", and ought to fit ${form}`)
  }
  const account = of('ACCOUNT', /^\d{12}$/)
  return {
    account,
    region: of('REGION', /^[a-z]{2}(-[a-z]+)+-\d$/),
    workspace: `pgctl-smoke-${account.slice(-4)}`,
    vpc: of('VPC', /^vpc-[0-9a-f]+$/),
    cidr: of('CIDR', /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/),
    subnets: of('SUBNETS', /^subnet-[0-9a-f]+(,subnet-[0-9a-f]+)*$/),
    group: of('GROUP', /^sg-[0-9a-f]+$/),
    image: of('IMAGE', /^ami-[0-9a-f]+$/),
  }
}

function sayWhatItCosts({ account, region, workspace }: Settings): void {
  say(`In the account ${account}, region ${region}, under the name ${workspace}, this makes and removes:
  two stacks: four functions, two tables, two buckets, two KMS keys, queues, schedules, roles, alarms;
  one machine (t4g.small) for some minutes, in subnets that you have, by a NAT that you have.
By list prices that is less than 0.25 USD for a run of half an hour, plus what your NAT bills for traffic.
If removing fails, what is left costs about 20 USD a month: the script then says what it is. The keys are
deleted seven days later, as KMS wants it, and bill nothing meanwhile.`)
}

/** Runs pgctl as a person would; its output is shown, and given back. @throws Error when it fails. */
function pgctl(home: string, words: readonly string[], signal: AbortSignal): Promise<string> {
  say(`\n$ pgctl ${words.join(' ')}`)
  const environment = {
    ...process.env,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [entry, ...words], {
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    // A child of the same terminal has the signal already; one that has not is told.
    signal.addEventListener('abort', () => child.kill('SIGINT'), { once: true })
    let shown = ''
    child.stdout.on('data', (data: Buffer) => {
      shown += data.toString()
      process.stdout.write(data)
    })
    child.on('error', reject)
    child.on('close', (status) =>
      status === 0 ? resolve(shown) : reject(new Error(`pgctl ${words.join(' ')} ended with ${status}`)),
    )
  })
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
  say(`ok: ${what}`)
}

const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`])

async function smoke(settings: Settings, home: string, signal: AbortSignal): Promise<void> {
  const { account, region, workspace, subnets } = settings
  const run = (...words: string[]) => {
    signal.throwIfAborted()
    return pgctl(home, words, signal)
  }
  const status = async () => JSON.parse(await run('bastion', 'status', '--json')) as Record<string, unknown>
  // Nothing of these two is used: the alarms go nowhere, and the license is never asked for.
  const absent = {
    topic: `arn:aws:sns:${region}:${account}:${workspace}-absent`,
    licenseSecret: `arn:aws:secretsmanager:${region}:${account}:secret:${workspace}-absent`,
  }
  await run('deploy', '--confirm', NAME, ...pairs({ ...absent, subnets, securityGroup: settings.group }))
  const bastion = {
    ...{ ImageId: settings.image, VpcId: settings.vpc, VpcCidr: settings.cidr, Subnets: subnets },
    // Another name than the account's own preferences; empty where there ought to be none.
    SessionDocument: process.env['PGCTL_TEST_AWS_DOCUMENT'] ?? `${workspace}-session`,
  }
  await run('bastion', 'deploy', '--confirm', NAME, ...pairs(bastion))
  check((await status())['state'] === 'stopped', 'the group is at 0')
  const began = Date.now()
  const machine = (await run('exec', '--', 'uname', '-m')).trim()
  say(`started, registered and answered within ${Math.round((Date.now() - began) / 1000)} s`)
  check(/^(aarch64|x86_64)$/.test(machine), `a command runs on it (${machine})`)
  const file = await run('exec', '--', 'cat', '/etc/pgctl/installation.yaml')
  check(file.includes(workspace), 'it knows its installation')
  const url = 'http://169.254.169.254/latest/meta-data/'
  const answer = await run('exec', '--', 'curl', '-so', '/dev/null', '-m', '5', '-w', '%{http_code}', url)
  check(answer.trim() === '401', 'its metadata is not for requests without a token')
  await run('bastion', 'hold', '5m', '--reason', 'smoke test')
  check((await status())['state'] === 'busy', 'it is held')
  await run('bastion', 'release')
  await run('bastion', 'stop', '--confirm', NAME)
  check((await status())['state'] === 'stopped', 'it is stopped')
}

const settings = settingsOf(process.env)
sayWhatItCosts(settings)
if (process.env['PGCTL_TEST_AWS_CONFIRM'] !== settings.account)
  refuse(`nothing was made: set PGCTL_TEST_AWS_CONFIRM=${settings.account} if that is what you want`)
const { Account: account, Arn: arn } = await new STSClient({ region: settings.region }).send(
  new GetCallerIdentityCommand({}),
)
if (account !== settings.account)
  refuse(`nothing was made: these credentials (${arn}) are of the account ${account}`)

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => interrupted.abort(new Error(`stopped by ${name}`)))
const home = await mkdtemp(join(tmpdir(), 'pgctl-test-aws-'))
try {
  await mkdir(join(home, 'config/pgctl'), { recursive: true })
  await writeFile(
    join(home, 'config/pgctl/config.yaml'),
    `installations: {${NAME}: {workspace: ${settings.workspace}, account: "${settings.account}", region: ${settings.region}}}\n`,
  )
  await smoke(settings, home, interrupted.signal)
  say('\nall of it holds')
} catch (error) {
  process.stderr.write(`\n${String(error)}\n`)
  process.exitCode = 1
} finally {
  say('\nremoving what was made')
  const left = await removeAll(settings, say)
  for (const what of left) process.stderr.write(`left behind: ${what}\n`)
  if (left.length > 0) process.exitCode = 1
  else say('nothing is left but two keys, which are deleted in seven days')
  await rm(home, { recursive: true, force: true })
}
