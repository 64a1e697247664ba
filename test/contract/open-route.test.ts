import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'
import type { Dialer, RouteName } from '#core/tunnel/dialer.ts'
import { openRoute } from '#core/tunnel/io/open-route.ts'
import { NO_DATASTORES, resolveTarget } from '#core/tunnel/resolve-target.ts'
import { chooseRoute } from '#core/tunnel/routes.ts'
import { parseTarget } from '#core/tunnel/target.ts'
import { WORLD, WORLD_PODS } from '#sandbox/world.ts'
import { type ClusterBench, openClusterBench, SHELL } from '../support/cluster-bench.ts'
import { echo, FarEnd } from '../support/far-end.ts'
import { exchange } from '../support/streams.ts'
import { TcpDialer } from '../support/tcp-dialer.ts'

const TIMEOUT = { timeout: 15_000 }
const NAMES = { services: {}, monitors: { grafana: { port: 4500, health: '/api/health' } } }
const FACTS = {
  bastion: WORLD.bastion.instanceId,
  cluster: { host: WORLD.cluster.host, port: 443 },
  namespace: WORLD.namespace,
}
const GRAFANA_POD = WORLD_PODS.find(({ service }) => service === 'grafana')

/** Sessions that lead where their document says: to the cluster's API, or else to the far end. */
function startSessions(bench: ClusterBench, far: FarEnd) {
  const requests: SessionRequest[] = []
  const dialers: TcpDialer[] = []
  return {
    requests,
    dialers,
    async startSession(request: SessionRequest): Promise<Dialer> {
      requests.push(request)
      const isApi = request.parameters?.['host']?.[0] === WORLD.cluster.host
      const dialer = isApi ? bench.openApi() : new TcpDialer(far)
      dialers.push(dialer)
      return dialer
    },
  }
}

async function open(word: string, asked?: RouteName) {
  await using parts = new AsyncDisposableStack()
  const far = parts.use(await FarEnd.start(echo))
  const bench = parts.use(await openClusterBench(far.port))
  const sessions = startSessions(bench, far)
  const plan = chooseRoute(
    resolveTarget(parseTarget(word), { ...NAMES, datastores: NO_DATASTORES }),
    FACTS,
    asked,
  )
  const credentials = () => bench.credentials
  const dialer = parts.use(await openRoute(plan, { ...SHELL, ...sessions, credentials, reason: 'INC-1' }))
  const running = parts.move()
  return { bench, ...sessions, dialer, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

const session = (host: string, port: number) => ({
  target: WORLD.bastion.instanceId,
  document: 'AWS-StartPortForwardingSessionToRemoteHost',
  parameters: { host: [host], portNumber: [String(port)] },
  reason: 'INC-1',
})

async function isOpen(dialer: Dialer | undefined): Promise<boolean> {
  try {
    const stream = await dialer?.connect()
    stream?.destroy()
    return true
  } catch (error) {
    assert.ok(isPgctlError(error, 'session-ended'))
    return false
  }
}

describe('openRoute', TIMEOUT, () => {
  it('goes to an address with one session', async () => {
    await using route = await open('db.internal:5432')
    assert.deepEqual(route.requests, [session('db.internal', 5432)])
    assert.equal(route.dialer, route.dialers[0])
  })

  it('goes to a Service by the cluster: one session, to its API, which ends with the route', async () => {
    const route = await open('grafana')
    assert.deepEqual(route.requests, [session(WORLD.cluster.host, 443)])
    assert.equal(route.dialer.route, 'cluster')
    assert.equal((await exchange(await route.dialer.connect(), Buffer.from('hello'))).toString(), 'hello')
    assert.equal(await isOpen(route.dialers[0]), true)
    await route[Symbol.asyncDispose]()
    assert.equal(await isOpen(route.dialers[0]), false)
  })

  it("goes to a Service directly: a session to the pod's address, once the API's has told it and ended", async () => {
    await using route = await open('grafana', 'direct')
    assert.deepEqual(route.requests, [
      session(WORLD.cluster.host, 443),
      session(GRAFANA_POD?.address ?? '', 4500),
    ])
    assert.equal(route.dialer, route.dialers[1])
    assert.equal(await isOpen(route.dialers[0]), false)
    assert.equal((await exchange(await route.dialer.connect(), Buffer.from('hello'))).toString(), 'hello')
  })

  for (const asked of ['cluster', 'direct'] as const)
    it(`ends the API's session when the ${asked} way cannot be gone to its end`, async () => {
      await using far = await FarEnd.start()
      await using bench = await openClusterBench(far.port)
      const sessions = startSessions(bench, far)
      const plan = chooseRoute(
        resolveTarget(parseTarget('nowhere:80'), { ...NAMES, datastores: NO_DATASTORES }),
        FACTS,
        asked,
      )
      const opening = openRoute(plan, { ...SHELL, ...sessions, credentials: () => bench.credentials })
      await assert.rejects(opening, (error) => isPgctlError(error, 'service-unknown'))
      assert.equal(sessions.dialers.length, 1)
      assert.equal(await isOpen(sessions.dialers[0]), false)
    })
})
