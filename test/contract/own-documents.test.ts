/** Session documents of an installation's own: a tunnel uses them, and a policy that knows them allows nothing else. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CreateDocumentCommand, SSMClient } from '@aws-sdk/client-ssm'
import { policySchema } from '#sandbox/aws/policy.ts'
import { WORLD } from '#sandbox/world.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

const TIMEOUT = { timeout: 60_000 }

interface Template {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties: { Name: string; Content: object } }>
  >
}

describe('session documents of their own', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  let template: Template
  before(async () => {
    cli = await startSandboxCli({ logInterval: 0 })
    const { stdout } = await cli.run(['iam', 'documents'])
    template = JSON.parse(stdout) as Template
    const { accessKeyId, secretAccessKey } = cli.sandbox.operator
    const client = new SSMClient({
      endpoint: cli.sandbox.plainEndpoint,
      region: WORLD.region,
      credentials: { accessKeyId, secretAccessKey },
    })
    // What CloudFormation does with the template.
    for (const { Properties } of Object.values(template.Resources))
      await client.send(
        new CreateDocumentCommand({
          Name: Properties.Name,
          Content: JSON.stringify(Properties.Content),
          DocumentType: 'Session',
          DocumentFormat: 'JSON',
        }),
      )
    client.destroy()
    await writeFile(
      join(cli.home, 'config.yaml'),
      `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: "${WORLD.account}"
    region: ${WORLD.region}
    sessionDocuments: own
`,
    )
    const policy = await cli.run(['iam', 'policy', '--for', 'tunnel,logs,doctor'])
    cli.sandbox.cloud.state.turn({ policy: policySchema.parse(JSON.parse(policy.stdout)) })
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const documents = () =>
    cli.sandbox.cloud.calls
      .since()
      .filter(({ action }) => action === 'StartSession')
      .map(({ resources, outcome }) => [resources[1]?.split('/')[1], outcome])

  async function open(target: string): Promise<void> {
    await using command = cli.start(['tunnel', target, '--port', '0'])
    await command.until(() => (command.stdout.includes(' route, ') ? true : undefined), 'ready')
    command.kill('SIGINT')
    await command.outcome
  }

  it('are made for the cluster and every datastore', () => {
    const names = Object.keys(template.Resources).map((id) => id.replace(/[0-9a-f]{6}$/, ''))
    assert.deepEqual(names, ['Cluster', 'Postgres', 'Redis'])
  })

  it('a tunnel to a datastore, and to a Service through the cluster, goes by them', TIMEOUT, async () => {
    const named = Object.values(template.Resources).map(({ Properties }) => Properties.Name)
    await open('postgres')
    await open('hermes')
    assert.deepEqual(documents(), [
      [named[1], 'ok'],
      [named[0], 'ok'],
    ])
  })

  it(
    'a place without a document cannot be reached, and the error says how one is made',
    TIMEOUT,
    async () => {
      const { status, stderr } = await cli.run(['tunnel', '10.0.32.10:3000', '--port', '0'])
      assert.equal(status, 7)
      assert.match(stderr, /Document with name paragon-acme-5d1f0c2e-pgctl-port-\w{12} does not exist/)
      assert.match(stderr, /pgctl iam documents/)
      const pod = await cli.run(['tunnel', 'hermes', '--route', 'direct'])
      assert.equal(pod.status, 2)
      assert.match(pod.stderr, /no document of the installation leads to an address of a pod/)
    },
  )

  it("the policy does not allow the service's own document, which leads anywhere", TIMEOUT, async () => {
    const config = join(cli.home, 'open.yaml')
    await writeFile(
      config,
      `installations: {acme: {workspace: ${WORLD.workspace}, account: "${WORLD.account}", region: ${WORLD.region}}}\n`,
    )
    const { status, stderr } = await cli.run(['tunnel', 'postgres', '--port', '0'], {
      environment: { PGCTL_CONFIG: config },
    })
    assert.equal(status, 6, stderr)
    assert.match(stderr, /document\/AWS-StartPortForwardingSessionToRemoteHost/)
  })

  it('doctor tries them as well', TIMEOUT, async () => {
    const { stdout } = await cli.run(['doctor', 'redis'])
    assert.match(stdout, /ok +target +redis answers, by the direct route/)
    assert.match(stdout, /ok +permissions +3 of 3 are allowed/)
  })
})
