/** Our client of the Kubernetes API against the sandbox's: lookups, changes, errors, trust. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { describe, it } from 'node:test'
import * as z from 'zod'
import { isPgctlError, type PgctlError } from '#core/errors.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { KubeApiError } from '#core/kube/api-error.ts'
import { KubeClient } from '#core/kube/client.ts'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import type { TokenRequest } from '#core/kube/credentials.ts'
import { selectLogs } from '#core/kube/log-selection.ts'
import { listPods, listServices, readPod, readService, readyPods } from '#core/kube/lookups.ts'
import { type PodChange, watchPods } from '#core/kube/pod-watch.ts'
import { podPortOf } from '#core/kube/services.ts'
import { createAuthority } from '#sandbox/certificates.ts'
import type { KubernetesOptions } from '#sandbox/kubernetes/api-server.ts'
import { WORLD } from '#sandbox/world.ts'
import { FastClock } from '../support/fast-clock.ts'
import { FIRST_HERMES, HERMES, KILLED_HERMES, startApi, type TestApi, TOKEN } from './kubernetes-support.ts'

const limits = { timeout: 20_000 }
const { namespace } = WORLD
const HERMES_LABELS = { 'app.kubernetes.io/name': 'hermes' }
const noSignal = new AbortController().signal

function accessTo(world: TestApi, changes: Partial<ClusterAccess> = {}): ClusterAccess {
  return {
    server: `https://127.0.0.1:${world.api.port}`,
    tlsServerName: WORLD.cluster.host,
    ca: world.trust.ca,
    token: async () => ({ value: TOKEN, expires: Number.POSITIVE_INFINITY }),
    ...changes,
  }
}

/** A started API and a client of it, ended together. */
async function start(options: Partial<KubernetesOptions> = {}, changes: Partial<ClusterAccess> = {}) {
  const world = await startApi(options)
  const client = new KubeClient(accessTo(world, changes), new FastClock())
  return {
    ...world,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

async function failureOf(action: Promise<unknown>): Promise<PgctlError> {
  const error = await action.then(
    () => assert.fail('it succeeded'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isPgctlError(error), `not ours: ${error}`)
  return error
}

describe('lookups', limits, () => {
  it('find Services, their ports and the pods behind them', limits, async () => {
    await using world = await start()
    const services = await listServices(world.client, namespace)
    assert.deepEqual(
      services.map(({ name }) => name),
      ['cerberus', 'grafana', 'hermes', 'payload'],
    )
    const hermes = await readService(world.client, namespace, 'hermes')
    assert.ok(hermes)
    assert.deepEqual(hermes.ports, [{ name: 'http', port: 1702, target: 1702 }])
    const pods = await readyPods(world.client, hermes)
    assert.deepEqual(
      pods.map(({ name }) => name),
      HERMES,
    )
    const [pod] = pods
    assert.ok(pod)
    assert.equal(pod.address, '10.0.32.21')
    assert.equal(podPortOf({ name: undefined, port: 80, target: 1702 }, pod), 1702)
    assert.equal(podPortOf({ name: undefined, port: 80, target: 'no-such-port' }, pod), undefined)
  })

  it('say what is not there with undefined', limits, async () => {
    await using world = await start()
    assert.equal(await readService(world.client, namespace, 'zeus'), undefined)
    assert.equal(await readPod(world.client, namespace, 'zeus-0'), undefined)
    assert.deepEqual((await listPods(world.client, namespace, { app: 'zeus' })).pods, [])
  })

  it('tell how a container runs, waits, ended, and ended before', limits, async () => {
    await using world = await start()
    const { faults } = world.api
    const statusOf = async (pod: string) => (await readPod(world.client, namespace, pod))?.containers[0]
    const killed = await statusOf(KILLED_HERMES)
    assert.equal(killed?.restarts, 1)
    assert.equal(killed.state.kind, 'running')
    assert.equal(killed.previous?.reason, 'OOMKilled')
    assert.equal(killed.previous.exitCode, 137)
    faults.stopContainer({ pod: FIRST_HERMES, exitCode: 3, waiting: 'CrashLoopBackOff' })
    const crashed = await statusOf(FIRST_HERMES)
    assert.deepEqual(crashed?.state, { kind: 'waiting', why: 'CrashLoopBackOff' })
    assert.equal(crashed.previous?.exitCode, 3)
    const waiting = faults.createPod({ service: 'hermes', waiting: 'ImagePullBackOff' })
    assert.deepEqual((await statusOf(waiting))?.state, { kind: 'waiting', why: 'ImagePullBackOff' })
  })

  it('leave a pod that is not ready out of those that take traffic', limits, async () => {
    await using world = await start()
    world.api.faults.stopContainer({ pod: FIRST_HERMES })
    const hermes = await readService(world.client, namespace, 'hermes')
    assert.ok(hermes)
    const pods = await readyPods(world.client, hermes)
    assert.deepEqual(
      pods.map(({ name }) => name),
      HERMES.slice(1),
    )
  })

  it('read lists page by page, and begin again when the pages expire meanwhile', limits, async () => {
    let asked = 0
    const authorize = () => {
      asked += 1
      if (asked === 2) world.api.faults.compact()
      return true
    }
    await using world = await start({ authorize })
    for (let count = 0; count < 620; count++) world.api.faults.createPod({ service: 'hermes' })
    const { pods } = await listPods(world.client, namespace, HERMES_LABELS)
    assert.equal(new Set(pods.map(({ name }) => name)).size, 620 + HERMES.length)
    assert.equal(pods.length, 620 + HERMES.length)
    assert.equal(asked, 4, 'two pages, of which the second had expired, and two again')
  })

  it('find the pods of services by Service, and name the nearest for a miss', limits, async () => {
    await using world = await start()
    const place = {
      namespace,
      profile: {
        labels: { service: 'app.kubernetes.io/name', release: 'app.kubernetes.io/instance' },
        services: { zeus: { port: 1703 } },
        monitors: {},
      },
    }
    const select = async (...services: string[]) => {
      const wish = { services, namespaces: [place.namespace] }
      return (await selectLogs(world.client, place.profile, wish, noSignal)).selections
    }
    assert.deepEqual(
      (await select('hermes', 'cerberus', 'hermes')).map(({ service }) => service),
      ['hermes', 'cerberus'],
    )
    const misspelt = await failureOf(select('hermse'))
    assert.equal(misspelt.code, 'service-unknown')
    assert.match(misspelt.next ?? '', /did you mean .*hermes\?/)
    assert.match(misspelt.why ?? '', /cerberus, grafana, hermes, payload/)
    const notHere = await failureOf(select('zeus'))
    assert.match(notHere.why ?? '', /this installation does not run it/)
    const wish = { services: ['hermes'], selector: 'pod-template-hash', namespaces: [place.namespace] }
    const narrowed = await selectLogs(world.client, place.profile, wish, noSignal)
    assert.deepEqual(
      narrowed.selections.map(({ selector }) => selector.split(',').at(-1)),
      ['pod-template-hash'],
    )
    const hostile = await failureOf(select('../../secrets'))
    assert.equal(hostile.code, 'service-unknown')
    assert.ok(world.api.requests.every(({ path }) => !path.includes('secrets')))
  })

  it('looks into several namespaces, and names those that it may not look into', limits, async () => {
    const profile = {
      labels: { service: 'app.kubernetes.io/name', release: 'app.kubernetes.io/instance' },
      services: {},
      monitors: {},
    }
    await using world = await start({
      authorize: (_, asked) => asked.namespace !== 'kube-system',
    })
    const ask = (namespaces: readonly string[] | 'all', services: string[] = []) =>
      selectLogs(world.client, profile, { services, selector: 'pod-template-hash', namespaces }, noSignal)
    for (const namespaces of [['default', 'kube-system', namespace], 'all'] as const) {
      const { selections, refused } = await ask(namespaces)
      assert.deepEqual(selections.map((selection) => selection.namespace).sort(), ['default', namespace])
      assert.deepEqual(
        refused.map((refusal) => [refusal.namespace, refusal.error.status]),
        [['kube-system', 403]],
      )
    }
    const { selections } = await ask('all', ['hermes'])
    assert.deepEqual(
      selections.map((selection) => selection.namespace),
      [namespace],
      'the one that has it',
    )
    assert.equal((await failureOf(ask(['kube-system']))).code, 'permission-denied')
    const unknown = await failureOf(ask(['default', 'kube-system', namespace], ['hermse']))
    assert.match(`${unknown.message} ${unknown.next}`, /in namespaces default, paragon did you mean .*hermes/)
  })
})

describe('a watch', limits, () => {
  /** The changes of hermes, one at a time. */
  function watch(world: { client: KubeClient }, signal = noSignal) {
    const changes = watchPods(world.client, namespace, HERMES_LABELS, new FastClock(), () => 0, signal)
    const next = async (): Promise<PodChange> => {
      const { value, done } = await changes.next()
      assert.ok(!done)
      return value
    }
    /** The next change that is looked for; nothing on the way may be a new beginning or a failure. */
    const until = async (wanted: (change: PodChange) => boolean): Promise<PodChange> => {
      for (;;) {
        const change = await next()
        if (wanted(change)) return change
        assert.equal(change.kind, 'set')
      }
    }
    return { changes, next, until }
  }

  it('tells everything once, then every change', limits, async () => {
    await using world = await start()
    const { changes, next, until } = watch(world)
    const all = await next()
    assert.ok(all.kind === 'all')
    assert.deepEqual(
      all.pods.map(({ name }) => name),
      HERMES,
    )
    const name = world.api.faults.createPod({ service: 'hermes', waiting: 'ContainerCreating' })
    const added = await next()
    assert.ok(added.kind === 'set' && added.pod.name === name)
    world.api.faults.deletePod({ pod: name })
    await until((change) => change.kind === 'deleted' && change.pod.name === name)
    await changes.return(undefined)
  })

  it('misses nothing when it ends, and begins again when the past is gone', limits, async () => {
    await using world = await start()
    const abort = new AbortController()
    const { next, until } = watch(world, abort.signal)
    await next()
    const first = world.api.faults.createPod({ service: 'hermes' })
    const added = await next()
    assert.ok(added.kind === 'set' && added.pod.name === first)
    world.api.faults.endWatches()
    const second = world.api.faults.createPod({ service: 'hermes' })
    await until((change) => change.kind === 'set' && change.pod.name === second)
    world.api.faults.endWatches()
    const third = world.api.faults.createPod({ service: 'hermes' })
    world.api.faults.compact()
    const all = await until((change) => change.kind === 'all')
    assert.ok(all.kind === 'all')
    assert.deepEqual(
      all.pods.map(({ name }) => name).filter((name) => !HERMES.includes(name as never)),
      [first, second, third].sort(),
    )
    const ended = next()
    abort.abort(new Error('enough'))
    await assert.rejects(ended, /enough/)
  })

  it('says that it is interrupted, and goes on', limits, async () => {
    await using world = await start()
    const { changes, next } = watch(world)
    await next()
    world.api.faults.failNext({ status: 503, path: '/pods', times: 3 })
    const interrupted = await next()
    assert.equal(interrupted.kind, 'interrupted')
    const name = world.api.faults.createPod({ service: 'hermes' })
    const added = await next()
    assert.ok(added.kind === 'set' && added.pod.name === name)
    await changes.return(undefined)
  })

  it('ends when the cluster refuses for good', limits, async () => {
    await using world = await start({ authorize: (_, asked) => asked.verb !== 'watch' })
    const { next } = watch(world)
    await next()
    const error = await failureOf(next())
    assert.equal(error.code, 'permission-denied')
    assert.match(error.next ?? '', /verb "watch" on "pods" in namespace "paragon"/)
  })
})

describe('the client', limits, () => {
  it('renews a refused token once, and tells whose it is', limits, async () => {
    const asked: (TokenRequest | undefined)[] = []
    const token = async (request?: TokenRequest) => {
      asked.push(request)
      return { value: request?.refused === undefined ? 'expired' : TOKEN, expires: 0 }
    }
    await using world = await start({}, { token })
    await listServices(world.client, namespace)
    assert.deepEqual(
      asked.map((request) => request?.refused?.value),
      [undefined, 'expired'],
    )
  })

  it('gives up when the renewed token is refused as well', limits, async () => {
    await using world = await start({}, { token: async () => ({ value: 'secret-token', expires: 0 }) })
    const error = await failureOf(listServices(world.client, namespace))
    assert.equal(error.code, 'permission-denied')
    assert.match(error.message, /does not accept this identity/)
    assert.match(error.requestId ?? '', /^[0-9a-f-]{36}$/)
    assert.ok(!JSON.stringify([error.message, error.why, error.next]).includes('secret-token'))
    assert.equal(world.api.requests.length, 2)
  })

  it('names the right that is missing', limits, async () => {
    await using world = await start({ authorize: () => false })
    const error = await failureOf(listPods(world.client, namespace, HERMES_LABELS))
    assert.equal(error.code, 'permission-denied')
    assert.equal(error.message, 'not allowed to list pods in namespace paragon')
    assert.match(error.why ?? '', /User "operator" cannot list resource "pods"/)
    assert.equal(
      error.next,
      'ask for a Role with the verb "list" on "pods" in namespace "paragon"; the role view has it: pgctl iam kubernetes --role view',
    )
  })

  it('tries again what passes, after the wait that the server asks for', limits, async () => {
    await using world = await startApi()
    const waits: number[] = []
    const clock = new FastClock()
    const spy = {
      now: () => clock.now(),
      after(delay: number, wake: () => void) {
        waits.push(delay)
        return clock.after(delay, wake)
      },
    }
    await using client = new KubeClient(accessTo(world), spy, () => 0)
    world.api.faults.failNext({ status: 429, retryAfter: 7 })
    world.api.faults.failNext({ status: 500 })
    world.api.faults.failNext({ status: 503, retryAfter: 2 })
    assert.equal((await listServices(client, namespace)).length, 4)
    const retries = waits.filter((delay) => delay < 30_000)
    assert.equal(retries[0], 7_000)
    assert.equal(retries[2], 2_000)
  })

  it('gives up after a few tries, with the code of the last', limits, async () => {
    await using world = await start()
    world.api.faults.failNext({ status: 429, retryAfter: 0, times: 4 })
    const error = await failureOf(listServices(world.client, namespace))
    assert.ok(error instanceof KubeApiError)
    assert.equal(error.code, 'throttled')
    assert.match(error.why ?? '', /Too many requests/)
  })

  it('trusts only the real name of the cluster, by its own authority', limits, async () => {
    await using world = await startApi()
    const strange = await createAuthority()
    for (const changes of [{ tlsServerName: 'another.example' }, { ca: strange.certificate }]) {
      await using client = new KubeClient(accessTo(world, changes), new FastClock())
      const error = await failureOf(listServices(client, namespace))
      assert.equal(error.code, 'endpoint-unreachable')
      assert.match(error.message, /certificate/)
    }
    assert.deepEqual(world.api.requests, [])
  })

  it('keeps its connections, and takes another when a kept one has died', limits, async () => {
    await using world = await start()
    await using proxy = await proxyTo(world.api.port)
    await using client = new KubeClient(
      accessTo(world, { server: `https://127.0.0.1:${proxy.port}` }),
      systemClock,
    )
    await listServices(client, namespace)
    await listServices(client, namespace)
    assert.equal(proxy.connections(), 1)
    proxy.cutAll()
    await listServices(client, namespace)
    assert.equal(proxy.connections(), 2)
  })

  it('says that it cannot reach the cluster, and why', limits, async () => {
    await using world = await start()
    const closed = await proxyTo(world.api.port)
    await closed[Symbol.asyncDispose]()
    await using client = new KubeClient(
      accessTo(world, { server: `https://127.0.0.1:${closed.port}` }),
      new FastClock(),
    )
    const error = await failureOf(listServices(client, namespace))
    assert.equal(error.code, 'cluster-unreachable')
    assert.match(error.message, new RegExp(WORLD.cluster.host))
    assert.match(error.why ?? '', /ECONNREFUSED/)
  })

  it('refuses answers that it does not understand, naming the field', limits, async () => {
    await using world = await start()
    const request = { verb: 'list', resource: 'services', namespace } as const
    const error = await failureOf(world.client.read(request, z.object({ surprise: z.string() })))
    assert.equal(error.code, 'protocol-violation')
    assert.match(error.why ?? '', /^surprise: /)
  })

  it('stops at a signal before, during and after the answer, with its reason', limits, async () => {
    await using world = await start()
    const reason = new Error('enough')
    await assert.rejects(listServices(world.client, namespace, AbortSignal.abort(reason)), /enough/)
    const query = { follow: true, tailLines: 1 }
    const request = { verb: 'get', resource: 'pods/log', namespace, name: FIRST_HERMES, query } as const
    const abort = new AbortController()
    const chunks = (await world.client.open(request, abort.signal))[Symbol.asyncIterator]()
    assert.equal((await chunks.next()).done, false)
    const next = chunks.next()
    abort.abort(reason)
    await assert.rejects(next, /enough/)
  })
})

/** A TCP relay whose connections can be counted and cut. */
async function proxyTo(port: number) {
  const { connect } = await import('node:net')
  const sockets = new Set<{ destroy(): void }>()
  let connections = 0
  const server: Server = createServer((near) => {
    connections += 1
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as { port: number }).port,
    connections: () => connections,
    cutAll,
    async [Symbol.asyncDispose]() {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}
