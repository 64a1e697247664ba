import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { eventually } from '../support/eventually.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { fetchThrough } from '../support/tunnel-requests.ts'

const TIMEOUT = { timeout: 30_000 }
const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`

/** What a program that runs with tunnels is given, in the transcripts; here how it ends, and what is left then. */
describe('pgctl tunnel run', { timeout: 90_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)
  const start = (...words: string[]) => cli.start(['tunnel', 'run', PAYLOAD, 'cluster', '--', ...words])
  async function written(name: string): Promise<string> {
    const path = join(cli.home, name)
    await eventually(() => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'))
    return readFileSync(path, 'utf8').trim()
  }

  it('carries bytes while the program runs, and ends it with us; then nothing is left', TIMEOUT, async () => {
    const variable = 'TUNNEL_PAYLOAD_INTERNAL_ACME_EXAMPLE_8080_PORT'
    const run = start('sh', '-c', `echo $${variable} > port; exec sleep 60`)
    const { sha256, promised } = await fetchThrough({ port: Number(await written('port')) }, '/random/100000')
    assert.equal(sha256, promised)
    assert.equal(activeSessions().length, 2)
    run.kill('SIGTERM')
    assert.equal((await run.outcome).status, 143)
    assert.deepEqual(activeSessions(), [])
  })

  it('leaves nothing where the program ends by itself, by a signal, or is not started', TIMEOUT, async () => {
    assert.equal((await cli.run(['tunnel', 'run', PAYLOAD, '--', 'sh', '-c', 'exit 3'])).status, 3)
    assert.equal((await cli.run(['tunnel', 'run', PAYLOAD, '--', 'sh', '-c', 'kill -KILL $$'])).status, 137)
    assert.equal((await cli.run(['tunnel', 'run', PAYLOAD, 'prometheus', '--', 'true'])).status, 3)
    assert.deepEqual(activeSessions(), [])
  })

  it('tells the program that its tunnel has ended, and does not end it', TIMEOUT, async () => {
    const run = start('sh', '-c', 'echo ready > ready; sleep 2; exit 5')
    await written('ready')
    for (const session of activeSessions()) session.end('the maximum was reached')
    const { status, stderr } = await run.outcome
    assert.equal(status, 5)
    assert.match(stderr, /! payload\S+: ended: the session on \S+ was ended by the other side/)
  })
})
