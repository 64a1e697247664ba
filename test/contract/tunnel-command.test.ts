import assert from 'node:assert/strict'
import { createConnection } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { respond } from '../support/http-over.ts'
import { type CliEvent, type CliProcess, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { sha256Of } from '../support/sha256.ts'
import { fetchThrough } from '../support/tunnel-requests.ts'

/** `pgctl tunnel` as a process of its own, by both routes: what goes in comes out, whatever happens on the way. */

const TIMEOUT = { timeout: 20_000 }
const PAYLOAD = `${WORLD.payloadHost}:${WORLD.payloadPort}`
const MB = 1_000_000

describe('pgctl tunnel', { timeout: 90_000 }, () => {
  let cli: SandboxCli
  before(async () => {
    cli = await startSandboxCli()
  })
  after(() => cli?.[Symbol.asyncDispose]())

  const activeSessions = () =>
    cli.sandbox.cloud.gateway.sessions().filter(({ endedAt }) => endedAt === undefined)

  async function transfer(port: number): Promise<void> {
    const body = Buffer.alloc(3 * MB, 'what goes in comes out; ')
    const [down, up] = await Promise.all([
      fetchThrough({ port }, `/random/${5 * MB}`),
      fetchThrough({ port }, '/sink', { body }),
    ])
    assert.equal(down.bytes, 5 * MB)
    assert.equal(down.sha256, down.promised)
    assert.deepEqual(JSON.parse(up.text), { bytes: body.length, sha256: sha256Of(body) })
  }

  for (const [route, words] of [
    ['direct', [PAYLOAD]],
    ['cluster', ['payload:8080', '--route', 'cluster']],
  ] as const)
    describe(`by the ${route} route`, () => {
      let tunnel: CliProcess
      let ready: CliEvent
      let port = 0
      before(async () => {
        tunnel = cli.start(['tunnel', ...words, '--json', '--port', '0'])
        ready = await tunnel.event('ready')
        port = Number(ready['port'])
      })
      after(async () => {
        tunnel.kill('SIGINT')
        const { status, stderr } = await tunnel.outcome
        assert.equal(status, 130)
        assert.equal(stderr, '')
        assert.deepEqual(activeSessions(), [])
        const names = tunnel.events.map(({ event }) => event)
        assert.deepEqual(names.slice(0, 3), ['starting', 'session', 'ready'])
        assert.deepEqual(names.slice(-2), ['ended', 'error'])
      })

      /** What works only by reconnecting does not work. */
      const assertUndisturbed = () =>
        assert.deepEqual(
          tunnel.events.filter(({ event }) => /^(reconnecting|resumed|warning|degraded)$/.test(event)),
          [],
        )

      it('carries every byte', TIMEOUT, async () => {
        assert.equal(ready['route'], route)
        await transfer(port)
        for (const closed of tunnel.events.filter(({ event }) => event === 'connection-closed'))
          assert.equal(closed['cause'], undefined)
        assertUndisturbed()
      })

      it('answers on both loopbacks, where there are two', TIMEOUT, async () => {
        for (const host of ready['addresses'] as string[]) {
          const { status, sha256, promised } = await fetchThrough({ host, port }, '/random/1000')
          assert.equal(status, 200)
          assert.equal(sha256, promised)
        }
        assertUndisturbed()
      })

      it('lets one program that stops reading slow seven others not at all', TIMEOUT, async () => {
        const stalled = await respond(createConnection({ host: '127.0.0.1', port }), `/random/${24 * MB}`)
        const others = await Promise.all(
          Array.from({ length: 7 }, (_, seed) => fetchThrough({ port }, `/random/${MB}?seed=${seed}`)),
        )
        for (const { bytes, sha256, promised } of others) {
          assert.equal(bytes, MB)
          assert.equal(sha256, promised)
        }
        assert.equal(stalled.complete, false)
        stalled.destroy()
        assertUndisturbed()
      })

      it('loses nothing when the data channel is cut in a download', TIMEOUT, async () => {
        let cut = false
        const answer = await fetchThrough({ port }, `/random/${4 * MB}`, {
          onBytes(received) {
            if (cut || received < MB) return
            cut = true
            cli.sandbox.cloud.gateway.order({ kind: 'cut' })
          },
        })
        assert.equal(answer.bytes, 4 * MB)
        assert.equal(answer.sha256, answer.promised)
        await tunnel.event('resumed')
      })
    })

  it('resets a client rather than let it take half a download for a whole one', TIMEOUT, async () => {
    await using tunnel = cli.start(['tunnel', PAYLOAD, '--json', '--port', '0'])
    const { port } = await tunnel.event('ready')
    const socket = createConnection({ host: '127.0.0.1', port: Number(port) })
    const failure = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
    // No length is told, so the end of the connection would be the end of the content.
    socket.write('GET /slow/1000000/1000000 HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n')
    socket.once('data', () => {
      for (const session of activeSessions()) session.end('The session was terminated.')
    })
    assert.equal((await failure).code, 'ECONNRESET')
    assert.equal((await tunnel.outcome).status, 7)
    assert.deepEqual(activeSessions(), [])
  })

  it('ends what an instance without an installation was left with', TIMEOUT, async () => {
    const words = ['tunnel', WORLD.bastion.instanceId, PAYLOAD, '--json', '--port', '0']
    await using killed = cli.start(words)
    const { sessionId } = await killed.event('session')
    killed.kill('SIGKILL')
    await killed.outcome
    assert.deepEqual(
      activeSessions().map(({ terms }) => terms.id),
      [sessionId],
    )
    await using tunnel = cli.start(words)
    await tunnel.event('session')
    assert.equal(cli.sandbox.cloud.gateway.find(String(sessionId))?.status, 'Terminated')
    tunnel.kill('SIGINT')
    assert.equal((await tunnel.outcome).status, 130)
    assert.deepEqual(activeSessions(), [])
  })

  it(
    'goes to another pod when the one that it went to is gone, for the next connection',
    TIMEOUT,
    async () => {
      await using tunnel = cli.start(['tunnel', 'hermes', '--json', '--port', '0'])
      const { port } = await tunnel.event('ready')
      const health = async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: 'close' } })
        return answer.status
      }
      assert.equal(await health(), 200)
      for (const { name } of cli.sandbox.kubernetes.cluster
        .pods()
        .filter(({ service }) => service === 'hermes')
        .slice(1))
        cli.sandbox.kubernetes.faults.deletePod({ pod: name })
      const [last] = cli.sandbox.kubernetes.cluster.pods().filter(({ service }) => service === 'hermes')
      cli.sandbox.kubernetes.cluster.createPod('hermes')
      cli.sandbox.kubernetes.faults.deletePod({ pod: last?.name ?? '' })
      assert.equal(await health(), 200)
    },
  )
})
