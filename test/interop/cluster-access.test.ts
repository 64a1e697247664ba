import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { dirname } from 'node:path'
import { after, before, it } from 'node:test'
import type { Context } from 'aws-lambda'
import { connectAws } from '#core/aws/clients.ts'
import { createClusterCredentials } from '#core/aws/cluster-token.ts'
import { createOutboundAgents } from '#core/io/outbound.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { tableName } from '#core/stack/names.ts'
import type { AccessKey } from '#sandbox/aws/identity.ts'
import { DEFAULT_KNOBS, type KnobsChange } from '#sandbox/knobs.ts'
import { CONFIG } from '#sandbox/life.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { wireBastionFunction } from '../../functions/bastion-deps.ts'
import { createBastionTick } from '../../functions/bastion-tick.ts'
import { noteLook } from '../support/note-look.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

/**
 * What an operator may do in the cluster, from their access entry to the word of the API, with the real kubectl through
 * sessions on the bastion: looking, more for a time, and what the machine's own role holds.
 */

const TIMEOUT = { timeout: 120_000 }
const MINUTE = 60_000
const PROFILES = new URL('../../profiles/', import.meta.url)
const { region, workspace, account, bastion, cluster } = ACME

describeWith(['kubectl'], 'rights in the cluster', { timeout: 600_000 }, () => {
  let cli: SandboxCli
  const parts = new AsyncDisposableStack()
  before(async () => {
    cli = parts.use(await startSandboxCli({ logInterval: 0, config: CONFIG }))
  })
  after(() => parts.disposeAsync())

  const turn = (change: KnobsChange = {}) => cli.sandbox.cloud.state.turn({ ...DEFAULT_KNOBS, ...change })
  const path = `${dirname(programOf('kubectl'))}:/usr/bin:/bin`
  const run = (...argv: string[]) => cli.run(argv, { environment: { PATH: path } })
  const kubectl = (...words: string[]) => run('kubectl', '--', ...words)
  const hermes = async () => {
    const { stdout } = await kubectl('get', 'pods', '-l', 'app.kubernetes.io/name=hermes', '-o', 'name')
    return stdout.trim().split('\n')
  }

  async function works(...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await run(...argv)
    assert.equal(status, 0, `${argv.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  /** What kubectl says of a refusal, and what pgctl adds to it. */
  async function refused(...words: string[]): Promise<string> {
    const { status, stdout, stderr } = await kubectl(...words)
    assert.deepEqual([status, stdout], [1, ''], stderr)
    assert.match(stderr, /^Error from server \(Forbidden\): /m)
    return stderr
  }

  const lentBy = (right: string) =>
    `not allowed to ${right}: the role operate has it: pgctl iam kubernetes --role operate; for a time: pgctl bastion elevate edit --for 1h --reason TEXT\n`

  /** The function that looks after the bastion, so many minutes from now. */
  async function tick(inMinutes: number): Promise<Record<string, unknown>[]> {
    return await as(cli.sandbox.operator, async () => {
      const deps = wireBastionFunction(
        {
          ...{ AWS_REGION: region, PGCTL_WORKSPACE: workspace, PGCTL_PRODUCT: 'paragon' },
          ...{ PGCTL_STATE_TABLE: tableName(workspace), PGCTL_BASTION_IDLE_MINUTES: '0' },
        },
        PROFILES,
      )
      const lines: string[] = []
      const handler = createBastionTick(() => deps, {
        sink: { write: (line) => void lines.push(line) },
        now: () => systemClock.now().wall + inMinutes * MINUTE,
      })
      const context = { awsRequestId: 'req-1', getRemainingTimeInMillis: () => 100_000 } as unknown as Context
      await handler({ trigger: 'schedule' }, context)
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    })
  }

  /** With a key in the environment of this process, as a function has its role's. */
  async function as<T>({ accessKeyId, secretAccessKey }: AccessKey, work: () => Promise<T>): Promise<T> {
    const before = { ...process.env }
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: cli.sandbox.plainEndpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    })
    try {
      return await work()
    } finally {
      process.env = before
    }
  }

  it('whoever has no entry is not let in at all, and is told what to ask for', TIMEOUT, async () => {
    turn({ access: 'none' })
    const logs = await run('logs', 'hermes')
    assert.equal(logs.status, 6, logs.stderr)
    assert.match(logs.stderr, /does not accept this identity/)
    assert.match(logs.stderr, /ask for an access entry in the cluster/)
    const { status, stderr } = await kubectl('get', 'pods')
    assert.equal(status, 1)
    assert.match(stderr, /You must be logged in to the server/)
    const elevate = await run('bastion', 'elevate', '--end')
    assert.equal(elevate.status, 0, elevate.stderr)
  })

  it('those who look see what there is, and have tunnels', TIMEOUT, async () => {
    turn({ access: 'view' })
    assert.equal((await hermes()).length, 3)
    await works('kubectl', '--', 'logs', (await hermes())[0] ?? '', '--tail=1')
    await works('kubectl', '--', 'get', 'services,configmaps,events,endpointslices')
    assert.equal(await works('kubectl', '--', 'auth', 'can-i', 'list', 'pods'), 'yes\n')
    const status = JSON.parse((await run('status', '--json')).stdout)
    assert.deepEqual(status.services, ['cerberus', 'hermes', 'payload'])
    assert.match(
      await works('doctor', 'grafana'),
      /warning +rights +not enough for helm: no get secrets, list secrets/,
    )
  })

  it('those who look read no Secret and change nothing, in the words of the API', TIMEOUT, async () => {
    turn({ access: 'view' })
    const [pod = ''] = await hermes()
    const user = `arn:aws:iam::${account}:user/operator`
    assert.equal(
      await refused('delete', pod),
      `Error from server (Forbidden): pods "${pod.slice(4)}" is forbidden: User "${user}" cannot delete resource "pods" in API group "" in the namespace "paragon"\n${lentBy('delete pods')}`,
    )
    const secrets = await refused('get', 'secrets')
    assert.match(secrets, /cannot list resource "secrets"/)
    assert.ok(secrets.endsWith(lentBy('list secrets')), secrets)
    const exec = await kubectl('exec', pod, '--', 'true')
    assert.equal(exec.status, 1)
    assert.match(exec.stderr, /cannot (get|create) resource "pods\/exec"/)
    assert.ok(exec.stderr.endsWith(lentBy('create pods/exec')), exec.stderr)
    const own = await run('kubectl', '--background', 'off', '--', 'delete', pod)
    assert.equal(own.status, 1)
    assert.ok(own.stderr.endsWith(lentBy('delete pods')), own.stderr)
    assert.match(await refused('get', 'pods', '-n', 'kube-system'), /in the namespace "kube-system"/)
    assert.match(await refused('get', 'namespaces'), /at the cluster scope/)
    assert.equal((await kubectl('auth', 'can-i', 'delete', 'pods')).stdout, 'no\n')
    assert.deepEqual(await hermes(), await hermes())
    const off = await run('analytics', 'off')
    assert.equal(off.status, 6, off.stderr)
    assert.match(off.stderr, /not allowed to patch configmaps of paragon-settings/)
    assert.match(off.stderr, /the role operate has it: pgctl iam kubernetes --role operate/)
    assert.match(off.stderr, /for a time: pgctl bastion elevate edit --for 1h --reason TEXT/)
  })

  it("a role's entry is for whoever has assumed it, each by the name of their session", TIMEOUT, async () => {
    const entries = cli.sandbox.cloud.state.accessOf(GLOBEX)
    const principal = GLOBEX.role.arn
    const before = entries.of(principal)
    assert.ok(before !== undefined)
    entries.put({ ...before, groups: ['pgctl:view'] })
    const { status, stderr } = await run('kubectl', '-i', 'globex', '--', 'get', 'secrets')
    const user = `arn:aws:sts::${GLOBEX.account}:assumed-role/${GLOBEX.workspace}-operator/`
    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`User "${user}[^"/@]+" cannot list resource "secrets" in API group ""`))
    entries.delete(principal)
    const gone = await run('kubectl', '-i', 'globex', '--', 'get', 'pods')
    assert.match(gone.stderr, /You must be logged in to the server/)
    entries.put(before)
    await works('kubectl', '-i', 'globex', '--', 'get', 'secrets')
  })

  it('says nothing of rights where it is not for want of them', TIMEOUT, async () => {
    turn()
    const missing = await kubectl('delete', 'pod', 'no-such-pod')
    assert.deepEqual(
      [missing.status, missing.stderr],
      [1, 'Error from server (NotFound): pods "no-such-pod" not found\n'],
    )
    const [pod = ''] = await hermes()
    const exit = await kubectl('exec', pod, '--', 'sh', '-c', 'exit 1')
    assert.deepEqual([exit.status, exit.stderr], [1, 'command terminated with exit code 1\n'])
  })

  it('more is lent for a time, and is gone when that is over', TIMEOUT, async () => {
    turn({ access: 'view' })
    await noteLook(cli.sandbox)
    await works('bastion', 'elevate', 'edit', '--for', '1h', '--reason', 'INC-4711')
    const [pod = ''] = await hermes()
    await works('kubectl', '--', 'delete', pod)
    const now = await hermes()
    assert.deepEqual([now.length, now.includes(pod)], [3, false])
    await works('kubectl', '--', 'exec', now[0] ?? '', '--', 'true')
    assert.match(await works('kubectl', '--', 'get', 'secrets', '-o', 'name'), /secret\/paragon-secrets/)
    await works('analytics', 'off')
    await works('analytics', 'on')
    assert.match(await refused('get', 'pods', '-n', 'kube-system'), /in the namespace "kube-system"/)
    await tick(59)
    await works('kubectl', '--', 'get', 'secrets')

    // Whoever takes it back is not let: it is tried again, a minute later.
    turn({ access: 'view', deny: ['eks:DisassociateAccessPolicy'] })
    const failed = (await tick(61)).find(({ msg }) => msg === 'action')
    assert.equal(failed?.['outcome'], 'failed', JSON.stringify(failed))
    await works('kubectl', '--', 'get', 'secrets')
    turn({ access: 'view' })
    const done = (await tick(62)).find(({ msg }) => msg === 'action')
    assert.equal(done?.['outcome'], 'done', JSON.stringify(done))
    assert.match(await refused('get', 'secrets'), /cannot list resource "secrets"/)
    await works('kubectl', '--', 'get', 'pods')
    const { elevations } = JSON.parse(await works('bastion', 'status', '--json'))
    assert.deepEqual(elevations, [])
  })

  it('what was lent can be given back at once', TIMEOUT, async () => {
    turn({ access: 'view' })
    await noteLook(cli.sandbox)
    await works('bastion', 'elevate', 'cluster-admin', '--for', '15m', '--reason', 'INC-4711')
    await works('kubectl', '--', 'get', 'namespaces')
    await works('bastion', 'elevate', '--end')
    assert.match(await refused('get', 'namespaces'), /at the cluster scope/)
  })

  it("the machine's role has no right in the cluster, and is not let in at all", TIMEOUT, async () => {
    turn()
    using agents = agentsOf()
    const tokenOf = (key: AccessKey) =>
      as(key, async () => {
        const { env: environment } = process
        const own = connectAws({ region, environment, agents: agents.all, clock: systemClock, version: '0' })
        return (await createClusterCredentials(own, cluster.name).token()).value
      })
    const namespace = '/api/v1/namespaces/paragon'
    const asked: ReadonlyArray<readonly [method: string, path: string]> = [
      ['GET', '/version'],
      ['GET', '/api/v1'],
      ['GET', `${namespace}/pods`],
      ['GET', `${namespace}/secrets`],
      ['GET', '/api/v1/namespaces'],
      ['DELETE', `${namespace}/pods/${ACME.pods[0].name}`],
      ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'],
    ]
    const token = await tokenOf(cli.sandbox.agent)
    for (const [method, path] of asked) assert.equal(await statusOf(token, method, path), 401, path)
    // Nothing is wrong with the token: with an entry it would be let in.
    const entries = cli.sandbox.cloud.state.accessOf(ACME)
    const principal = `arn:aws:iam::${account}:role/${bastion.role}`
    entries.put({ principal, groups: ['pgctl:view'], policies: [], createdAt: 0 })
    assert.equal(await statusOf(token, 'GET', `${namespace}/pods`), 200)
    assert.equal(await statusOf(token, 'GET', `${namespace}/secrets`), 403)
    entries.delete(principal)
    assert.equal(await statusOf(token, 'GET', `${namespace}/pods`), 401)
  })

  async function statusOf(token: string, method: string, path: string): Promise<number | undefined> {
    const sent = request({
      ...{ host: '127.0.0.1', port: cli.sandbox.kubernetes.port, path, method, agent: false },
      ...{ servername: cluster.host, ca: cli.sandbox.authority },
      headers: { authorization: `Bearer ${token}` },
    }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }
})

function agentsOf() {
  const all = createOutboundAgents({})
  return { all, [Symbol.dispose]: () => all.close() }
}
