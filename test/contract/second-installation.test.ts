/** The second installation, entered for real: its account by a role, its bastion, its cluster, and no monitors. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CONFIG } from '#sandbox/life.ts'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { GLOBEX } from '#sandbox/worlds/globex.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { fetchThrough } from '../support/tunnel-requests.ts'

describe('the second installation', { timeout: 60_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli({ config: CONFIG })
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const GLOBEX_CHOSEN = { environment: { PGCTL_INSTALLATION: 'globex' } }
  const globex = (...argv: string[]) => cli.run(argv, GLOBEX_CHOSEN)

  it('is configured beside the first, which commands act on by default', async () => {
    const { stdout } = await cli.run(['installations', '--json'])
    const { installations } = JSON.parse(stdout)
    assert.deepEqual(
      installations.map(({ name, account, workspace }: Record<string, string>) => [name, account, workspace]),
      [
        ['acme', ACME.account, ACME.workspace],
        ['globex', GLOBEX.account, GLOBEX.workspace],
      ],
    )
    const status = await cli.run(['status'])
    assert.match(status.stdout, new RegExp(ACME.workspace))
    assert.doesNotMatch(status.stdout, new RegExp(GLOBEX.workspace))
  })

  it('runs commands on its own bastion, whose session is of its own account', async () => {
    const { stdout, status } = await globex('exec', '--', 'printenv', 'HOSTNAME')
    assert.deepEqual([stdout.trim(), status], ['globex-bastion', 0])
    const session = cli.sandbox.cloud.gateway.sessions()[0]
    assert.match(session?.terms.owner ?? '', new RegExp(`^arn:aws:sts::${GLOBEX.account}:assumed-role/`))
  })

  it('has logs of its own pods', async () => {
    const { stdout, status } = await globex('logs', 'hermes', '--tail', '5')
    assert.equal(status, 0)
    assert.match(stdout, /^hermes-58c6f4d9b7-/m)
    assert.doesNotMatch(stdout, /hermes-7d9c5b6f48-/)
  })

  it('is tunnelled into, by both routes', async () => {
    const address = GLOBEX.pods.find(({ service }) => service === 'hermes')?.address
    for (const words of [[`${address}:1702`], ['hermes', '--route', 'cluster']]) {
      await using tunnel = cli.start(['tunnel', ...words, '--json', '--port', '0'], GLOBEX_CHOSEN)
      const { port } = await tunnel.event('ready')
      const { text } = await fetchThrough({ port: Number(port) }, '/healthz')
      assert.equal(JSON.parse(text).status, 'ok')
    }
  })

  it('an address that both networks have is of the one that was chosen', async () => {
    // Nothing is routed: what 10.x.x.x means, the bastion of the installation says.
    const address = `${ACME.pods[1].address}:1702`
    const { gateway } = cli.sandbox.cloud
    const known = () => new Set(gateway.sessions().map(({ terms }) => terms.id))
    await using own = cli.start(['tunnel', address, '--json'])
    const { port } = await own.event('ready')
    const before = known()
    await using other = cli.start(['tunnel', address, '--json'], GLOBEX_CHOSEN)
    const { cause } = await other.event('ended')
    assert.equal((cause as { code: string }).code, 'far-end-refused')
    const opened = gateway.sessions().filter(({ terms }) => !before.has(terms.id))
    assert.deepEqual(
      opened.map(({ terms }) => terms.target),
      [GLOBEX.bastion.instanceId],
    )
    assert.ok((await fetchThrough({ port: Number(port) }, '/healthz')).text.includes('ok'))
  })

  it('has no monitors, and leads to nothing of the first', async () => {
    const grafana = await globex('tunnel', 'grafana', '--port', '0')
    assert.notEqual(grafana.status, 0)
    const foreign = await globex('tunnel', `${WORLD.payloadHost}:${WORLD.payloadPort}`, '--port', '0')
    assert.notEqual(foreign.status, 0)
    assert.doesNotMatch(foreign.stdout, /ready/)
  })
})
