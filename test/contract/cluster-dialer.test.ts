import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import type { DialerEvent } from '#core/tunnel/dialer.ts'
import { ClusterDialer } from '#core/tunnel/io/cluster-dialer.ts'
import { GRAFANA, openClusterBench, SHELL } from '../support/cluster-bench.ts'
import { describeDialer } from '../support/describe-dialer.ts'
import { closedPort, echo, FarEnd } from '../support/far-end.ts'
import { closed, exchange } from '../support/streams.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const TIMEOUT = { timeout: 15_000 }
const HERMES = { ...GRAFANA, service: 'hermes', port: 1702 }

describeDialer({
  name: 'port-forward of a cluster',
  bulk: 2 * 1024 * 1024,
  async make({ port }) {
    const bench = await openClusterBench(port)
    const api = bench.openApi()
    const dialer = await bench.openDialer(GRAFANA, api)
    return {
      dialer,
      endRoute: (error) => api.end(error),
      async [Symbol.asyncDispose]() {
        await dialer[Symbol.asyncDispose]()
        await bench[Symbol.asyncDispose]()
      },
    }
  },
})

/** The pods to which connections were forwarded, in order. */
function forwardedPods(requests: ReadonlyArray<{ path: string }>): string[] {
  return requests.flatMap(({ path }) => /pods\/([^/]+)\/portforward/.exec(path)?.[1] ?? [])
}

async function say(dialer: ClusterDialer, word: string): Promise<void> {
  assert.equal((await exchange(await dialer.connect(), Buffer.from(word))).toString(), word)
}

describe('the pod behind a Service', TIMEOUT, () => {
  it('is looked for once, and serves every connection', async () => {
    await using far = await FarEnd.start(echo)
    await using bench = await openClusterBench(far.port)
    await using dialer = await bench.openDialer(HERMES)
    await Promise.all(['a', 'b', 'c'].map((word) => say(dialer, word)))
    assert.equal(new Set(forwardedPods(bench.world.api.requests)).size, 1)
    assert.equal(bench.world.api.requests.filter(({ path }) => path.endsWith('/services/hermes')).length, 1)
  })

  it('is replaced when it is gone, within the connection that finds out', async () => {
    await using far = await FarEnd.start(echo)
    await using bench = await openClusterBench(far.port)
    await using dialer = await bench.openDialer(HERMES)
    await say(dialer, 'first')
    const [pod = ''] = forwardedPods(bench.world.api.requests)
    bench.world.api.faults.deletePod({ pod })
    await Promise.all(['a', 'b', 'c'].map((word) => say(dialer, word)))
    const pods = forwardedPods(bench.world.api.requests)
    assert.equal(new Set(pods).size, 2)
    assert.notEqual(pods.at(-1), pod)
  })

  it('is replaced for the next connection when it refuses the port', async () => {
    const port = await closedPort()
    await using bench = await openClusterBench(port)
    await using dialer = await bench.openDialer(HERMES)
    for (let attempt = 0; attempt < 2; attempt++) {
      const stream = await dialer.connect()
      assert.ok(isPgctlError(await closed(stream.resume()), 'far-end-refused'))
    }
    const [first, second] = forwardedPods(bench.world.api.requests)
    assert.notEqual(first, second)
  })

  it('is tried again when it is the only one', async () => {
    await using bench = await openClusterBench(await closedPort())
    await using dialer = await bench.openDialer(GRAFANA)
    for (let attempt = 0; attempt < 2; attempt++)
      assert.ok(isPgctlError(await closed((await dialer.connect()).resume()), 'far-end-refused'))
  })

  it('is missing when none is ready, and each is told', async () => {
    await using bench = await openClusterBench(1)
    const { faults, cluster } = bench.world.api
    const [pod] = cluster.pods().filter(({ service }) => service === 'grafana')
    faults.stopContainer({ pod: pod?.name ?? '', waiting: 'CrashLoopBackOff' })
    await assert.rejects(bench.openDialer(GRAFANA), (error) => {
      assert.ok(isPgctlError(error, 'far-end-refused'), String(error))
      assert.match(error.message, /no pod of grafana is ready in namespace paragon/)
      assert.match(error.why ?? '', /grafana-.*: CrashLoopBackOff/)
      return true
    })
  })
})

describe('opening the cluster route', TIMEOUT, () => {
  const failures = [
    [
      'a Service that is not there',
      { ...GRAFANA, service: 'grafna' },
      'service-unknown',
      /no Service grafna/,
      /^try pgctl tunnel grafana:4500$/,
    ],
    [
      'a port that it does not have',
      { ...GRAFANA, port: 1, portIsDefault: false },
      'target-unknown',
      /no port 1/,
      /grafana:4500/,
    ],
  ] as const
  for (const [why, service, code, message, next] of failures)
    it(`fails for ${why}, and closes the way to the API`, async () => {
      await using bench = await openClusterBench(1)
      const api = bench.openApi()
      await assert.rejects(bench.openDialer(service, api), (error) => {
        assert.ok(isPgctlError(error, code), String(error))
        assert.match(error.message, message)
        assert.match(error.next ?? '', next)
        return true
      })
      await assert.rejects(api.connect(), (error) => isPgctlError(error, 'session-ended'))
    })

  it("takes the Service's own port where the product's default was changed", async () => {
    await using far = await FarEnd.start(echo)
    await using bench = await openClusterBench(far.port)
    await using dialer = await bench.openDialer({ ...GRAFANA, port: 3000 })
    await say(dialer, 'hello')
  })

  it('fails for an identity that the cluster does not know', async () => {
    await using bench = await openClusterBench(1, 'somebody')
    await assert.rejects(bench.openDialer(), (error) => isPgctlError(error, 'permission-denied'))
  })

  it('says why the API cannot be reached, where only the tunnel knows', async () => {
    await using bench = await openClusterBench(1)
    const api = new TcpDialer({ host: '127.0.0.1', port: await closedPort() })
    await assert.rejects(bench.openDialer(GRAFANA, api), (error) => {
      assert.ok(isPgctlError(error, 'cluster-unreachable'), String(error))
      assert.match(error.why ?? '', /does not take the connection: .*ECONNREFUSED/)
      return true
    })
  })

  it("fails with the session's own error when that ends meanwhile", async () => {
    await using bench = await openClusterBench(1)
    const api = bench.openApi()
    const ended = new PgctlError('session-ended', 'by the account')
    const opening = bench.openDialer(GRAFANA, api)
    api.end(ended)
    await assert.rejects(opening, (error) => error === ended)
  })

  for (const when of ['before', 'during'] as const)
    it(`ends with the signal's reason when that aborts ${when} it, and leaves nothing open`, async () => {
      await using bench = await openClusterBench(1)
      const api = bench.openApi()
      const abort = new AbortController()
      const reason = new Error('enough')
      if (when === 'before') abort.abort(reason)
      const { credentials } = bench
      const opening = ClusterDialer.open({ ...SHELL, api, credentials, service: GRAFANA }, abort.signal)
      abort.abort(reason)
      await assert.rejects(opening, (error) => error === reason)
      await assert.rejects(api.connect(), (error) => isPgctlError(error, 'session-ended'))
    })
})

it('passes on what the session tells, from before it was asked', TIMEOUT, async () => {
  await using bench = await openClusterBench(1)
  const api = bench.openApi()
  const session = { event: 'session', sessionId: 's', instance: 'i', limits: undefined } as const
  api.events.emit(session)
  await using dialer = await bench.openDialer(GRAFANA, api)
  const resumed = { event: 'resumed', downFor: 5 } as const
  api.events.emit(resumed)
  const events: DialerEvent[] = []
  dialer.events.subscribe((event) => events.push(event))
  assert.deepEqual(events, [session, resumed])
})
