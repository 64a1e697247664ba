import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'

const TIMEOUT = { timeout: 30_000 }

describe('pgctl kubeconfig', { timeout: 120_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  afterEach(async () => {
    await cli.run(['tunnel', 'stop', '--all'])
    await eventually(() => activeSessions().length === 0)
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)

  /** Does what a client does with a kubeconfig: asks the plugin for a token, then the API. */
  async function use(text: string): Promise<number> {
    const { clusters, users, contexts } = parse(text)
    const [{ cluster }] = clusters
    const { command, args, env } = users[0].user.exec
    const more = Object.fromEntries(
      env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    )
    // Somewhere else, by an environment that knows no configuration file of its own.
    const { PGCTL_CONFIG: _, ...environment } = cli.environment
    const options = { env: { ...environment, ...more }, cwd: '/' }
    const { stdout } = await promisify(execFile)(command, args, options)
    const { token } = JSON.parse(stdout).status
    const url = new URL(`/api/v1/namespaces/${contexts[0].context.namespace}/pods`, cluster.server)
    const ca = Buffer.from(cluster['certificate-authority-data'], 'base64')
    const headers = { authorization: `Bearer ${token}`, connection: 'close' }
    return new Promise((resolve, reject) => {
      request(url, { ca, servername: cluster['tls-server-name'], headers }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
      })
        .once('error', reject)
        .end()
    })
  }

  it('prints one that works, and again when its tunnel is gone: its plugin opens it', TIMEOUT, async () => {
    const { stdout, stderr, status } = await cli.run(['kubeconfig'])
    assert.deepEqual([status, stderr], [0, ''])
    assert.equal(parse(stdout)['current-context'], 'pgctl-acme')
    assert.equal(await use(stdout), 200)
    await cli.run(['tunnel', 'stop', '--all'])
    assert.equal(await use(stdout), 200)
    const again = await cli.run(['kubeconfig'])
    assert.equal(again.stdout, stdout, 'the port is the same')
  })

  it('its tunnel is listed, and stays until it is stopped', TIMEOUT, async () => {
    await cli.run(['kubeconfig'])
    const { tunnels } = JSON.parse((await cli.run(['tunnel', 'list', '--json'])).stdout)
    assert.deepEqual(
      tunnels.map(({ target, lazy, implicit }: Record<string, unknown>) => [target, lazy, implicit]),
      [['cluster', true, false]],
    )
  })

  it('writes it to a file of its own, and over none that holds something else', TIMEOUT, async () => {
    const file = join(cli.home, 'acme.yaml')
    for (let round = 0; round < 2; round++) {
      const { status, stdout, stderr } = await cli.run(['kubeconfig', '--write', file])
      assert.deepEqual([status, stdout], [0, ''], stderr)
    }
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(await use(readFileSync(file, 'utf8')), 200)
    const other = join(cli.home, 'other.yaml')
    writeFileSync(other, 'current-context: home\n')
    assert.equal((await cli.run(['kubeconfig', '--write', other])).status, 2)
    assert.equal(readFileSync(other, 'utf8'), 'current-context: home\n')
    assert.equal((await cli.run(['kubeconfig', '--write', join(cli.home, 'none/acme.yaml')])).status, 2)
  })

  it('touches the own kubeconfig only when told to, keeps a copy, and follows links', TIMEOUT, async () => {
    const own = join(cli.home, '.kube/config')
    await cli.run(['kubeconfig'])
    assert.ok(!existsSync(own))

    const real = join(cli.home, 'dotfiles')
    mkdirSync(real)
    mkdirSync(join(cli.home, '.kube'))
    const before = '# mine\napiVersion: v1\nkind: Config\ncurrent-context: home\nclusters: []\n'
    writeFileSync(join(real, 'config'), before)
    symlinkSync(join(real, 'config'), own)
    const merged = await cli.run(['kubeconfig', '--merge'])
    assert.equal(merged.status, 0, merged.stderr)
    assert.match(
      merged.stderr,
      /what \S+config was is in \S+config\.before-pgctl\nmerged into \S+config; use it: kubectl --context pgctl-acme/,
    )
    assert.equal(readFileSync(join(real, 'config.before-pgctl'), 'utf8'), before)
    const text = readFileSync(own, 'utf8')
    assert.ok(text.startsWith('# mine\n'))
    assert.equal(parse(text)['current-context'], 'home')
    assert.equal(await use(text), 200)

    await cli.run(['kubeconfig', '--merge', '--use'])
    assert.equal(parse(readFileSync(own, 'utf8'))['current-context'], 'pgctl-acme')
    assert.ok(!existsSync(join(real, 'config.lock')))
  })

  it('leaves a kubeconfig that it cannot read as it is', TIMEOUT, async () => {
    const file = join(cli.home, 'broken.yaml')
    writeFileSync(file, 'clusters: [\n')
    const { status, stderr } = await cli.run(['kubeconfig', '--merge'], { environment: { KUBECONFIG: file } })
    assert.equal(status, 1)
    assert.match(stderr, /error: nothing can be merged into \S+broken\.yaml\n.*why: it is no YAML/)
    assert.equal(readFileSync(file, 'utf8'), 'clusters: [\n')
  })
})
