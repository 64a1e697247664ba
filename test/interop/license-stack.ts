/**
 * Run by `license-stack.test.ts` in a network of its own that has only the loopback: a vendor's cloud and an emulator of
 * AWS in which the packaged template is deployed; the function is invoked, and what it did is read back. Prints it as
 * one line of JSON.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { connectAws } from '#core/aws/clients.ts'
import { createDocumentTable } from '#core/aws/document-table.ts'
import { invokeFunction } from '#core/aws/functions.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock, systemRandom } from '#core/io/system-clock.ts'
import { readBastionVersion } from '#core/license/bastion-version.ts'
import { licenseIdOf } from '#core/license/installation-id.ts'
import { openLedger } from '#core/vendor/ledger.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import { customerOf } from '#sandbox/vendor/customers.ts'
import { Vendor } from '#sandbox/vendor/vendor.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const [folder = '', emulator = ''] = process.argv.slice(2)
const REGION = 'eu-central-1'
const ENDPOINT = 'http://127.0.0.1:4566'
const FUNCTION = 'paragon-acme-5d1f0c2e-license-verify'
const INSTALLATION = `ins-${'ab'.repeat(16)}`
const KEY = 'a-password-of-the-product'

/** The emulator leads requests of a function to `localhost` to itself, so the vendor needs a name of its own. */
const VENDOR_NAME = 'license.vendor.localhost'

Object.assign(process.env, {
  AWS_ENDPOINT_URL: ENDPOINT,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
})
const environment = { AWS_REGION: REGION }
const agents = createOutboundAgents(environment)
const connection = connectAws({ region: REGION, environment, agents, clock: systemClock, version: '0' })
const store = createDocumentTable(connection, 'paragon-acme-5d1f0c2e-pgctl-state')

await run('ip', ['link', 'set', 'lo', 'up'])
const hosts = join(folder, 'hosts')
await writeFile(hosts, `127.0.0.1 localhost ${VENDOR_NAME}\n`)
await run('mount', ['--bind', hosts, '/etc/hosts'])
const stack = spawn(emulator, [], {
  env: { ...process.env, GATEWAY_PORT: '4566', MINISTACK_HOST: '127.0.0.1', BIND_HOST: '127.0.0.1' },
  stdio: 'ignore',
})
try {
  await until(async () => (await fetch(`${ENDPOINT}/_ministack/health`)).ok)
  const authority = await createAuthority()
  const bundle = join(folder, 'authority.pem')
  await writeFile(bundle, authority.certificate)
  await using vendor = await Vendor.start({
    clock: systemClock,
    customers: [customerOf(systemClock.now().wall, { license: licenseIdOf(KEY) })],
    tls: await authority.issue({ names: [VENDOR_NAME] }),
  })
  const secret = await json('secretsmanager', 'secretsmanager.CreateSecret', {
    Name: 'acme-secrets',
    SecretString: JSON.stringify({ LICENSE: KEY }),
  })
  const release = { ...vendor.release(), url: vendor.url.replace('localhost', VENDOR_NAME) }
  const code = await readFile(await packFunction(release))
  await aws(
    's3',
    'PUT',
    '/code-of-pgctl',
    `<CreateBucketConfiguration><LocationConstraint>${REGION}</LocationConstraint></CreateBucketConfiguration>`,
  )
  await aws('s3', 'PUT', '/code-of-pgctl/license-verify.zip', code)
  await aws(
    's3',
    'PUT',
    '/code-of-pgctl/snapshot-tick.zip',
    await readFile(join(folder, 'snapshot-tick.zip')),
  )

  const template = JSON.parse(
    await readFile(join(folder, 'cloudformation-template-update-stack.json'), 'utf8'),
  )
  for (const name of ['ServerlessDeploymentBucket', 'ServerlessDeploymentBucketPolicy'])
    delete template.Resources[name]
  delete template.Outputs
  const properties = template.Resources.LicenseDashverifyLambdaFunction.Properties
  properties.Code = { S3Bucket: 'code-of-pgctl', S3Key: 'license-verify.zip' }
  template.Resources.SnapshotDashtickLambdaFunction.Properties.Code = {
    ...{ S3Bucket: 'code-of-pgctl', S3Key: 'snapshot-tick.zip' },
  }
  // The one thing that AWS would not need: this vendor's certificate is of no public authority.
  Object.assign(properties.Environment.Variables, {
    AWS_CA_BUNDLE: bundle,
    PGCTL_LICENSE_SECRET: secret['ARN'],
  })
  await cloudFormation({
    Action: 'CreateStack',
    StackName: 'acme',
    TemplateBody: JSON.stringify(template),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
  })
  await until(async () => (await describeStack()).includes('<StackStatus>CREATE_COMPLETE<'))

  const first = await invoke({ trigger: 'boot' })
  vendor.mode = 'down'
  const second = await invoke({ trigger: 'schedule' })
  const third = await invokeFunction(connection, FUNCTION, { trigger: 'boot', version: '0.0.9' })

  properties.Timeout = 90
  await cloudFormation({
    Action: 'CreateChangeSet',
    StackName: 'acme',
    ChangeSetName: 'longer',
    TemplateBody: JSON.stringify(template),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
  })
  await cloudFormation({ Action: 'ExecuteChangeSet', StackName: 'acme', ChangeSetName: 'longer' })
  await until(async () => (await describeStack()).includes('<StackStatus>UPDATE_COMPLETE<'))

  const parameter = await json('ssm', 'AmazonSSM.GetParameter', {
    Name: '/pgctl/paragon-acme-5d1f0c2e/license',
  })
  const configuration = await (
    await aws('lambda', 'GET', `/2015-03-31/functions/${FUNCTION}/configuration`, '')
  ).json()
  process.stdout.write(
    `${JSON.stringify({
      runs: [first, second],
      third,
      bastion: await readBastionVersion(store, INSTALLATION),
      published: JSON.parse((parameter as { Parameter: { Value: string } }).Parameter.Value),
      asked: vendor.received.map(({ path, body }) => ({ path, body })),
      review: await review(),
      timeout: (configuration as { Timeout: number }).Timeout,
      runtime: (configuration as { Runtime: string }).Runtime,
      resources: await cloudFormation({ Action: 'DescribeStackResources', StackName: 'acme' }).then((text) =>
        [...text.matchAll(/<ResourceType>([^<]+)</g)].map(([, type]) => type),
      ),
    })}\n`,
  )
} finally {
  agents.close()
  stack.kill('SIGKILL')
}

/** The function as it is built, of a release of this vendor. */
async function packFunction(release: object): Promise<string> {
  const place = join(folder, 'code')
  const target = join(place, 'dist/functions/license-verify')
  await mkdir(target, { recursive: true })
  await build({
    absWorkingDir: root,
    entryPoints: ['functions/license-verify.ts'],
    outfile: join(target, 'index.js'),
    bundle: true,
    minify: true,
    keepNames: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    logLevel: 'error',
    define: { PGCTL_VERSION: '"0.1.0"' },
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'other-release',
        setup: ({ onLoad }) =>
          onLoad({ filter: /core\/vendor\/release\.ts$/ }, () => ({
            contents: `export const RELEASE = ${JSON.stringify(release)}`,
          })),
      },
    ],
  })
  await writeFile(join(target, 'package.json'), '{"type":"module"}\n')
  const archive = join(folder, 'code.zip')
  await run('python3', ['-m', 'zipfile', '-c', archive, 'dist'], { cwd: place })
  return archive
}

async function invoke(event: object): Promise<{ readonly error: string | null; readonly payload: unknown }> {
  const answer = await aws(
    'lambda',
    'POST',
    `/2015-03-31/functions/${FUNCTION}/invocations`,
    JSON.stringify(event),
  )
  return { error: answer.headers.get('x-amz-function-error'), payload: await answer.json() }
}

async function review() {
  const ledger = openLedger({ store, installation: INSTALLATION, clock: systemClock, random: systemRandom })
  return { ...(await ledger.review()), first: await ledger.line(2) }
}

function describeStack(): Promise<string> {
  return cloudFormation({ Action: 'DescribeStacks', StackName: 'acme' })
}

async function cloudFormation(words: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Version: '2010-05-15', ...words }).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return (await aws('cloudformation', 'POST', '/', body, type)).text()
}

async function json(service: string, target: string, body: object): Promise<Record<string, unknown>> {
  const headers = { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' }
  return (await (await aws(service, 'POST', '/', JSON.stringify(body), headers)).json()) as Record<
    string,
    unknown
  >
}

/** The emulator tells services by the scope of a signature, and checks none. */
async function aws(
  service: string,
  method: string,
  path: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const scope = `test/20260101/${REGION}/${service}/aws4_request`
  const answer = await fetch(`${ENDPOINT}${path}`, {
    method,
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      ...headers,
    },
    ...(method === 'GET' ? {} : { body: body as NonNullable<RequestInit['body']> }),
  })
  if (!answer.ok) throw new Error(`${service} ${method} ${path}: ${answer.status} ${await answer.text()}`)
  return answer
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      if (await holds()) return
    } catch (error) {
      if (attempt > 200) throw error
    }
    if (attempt > 200) throw new Error('it has not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
