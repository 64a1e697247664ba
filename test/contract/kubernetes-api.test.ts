/** What the sandbox's Kubernetes API says, word for word, to a client that knows only HTTP. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { FIRST_HERMES, HERMES, KILLED_HERMES, linesOf, PODS, startApi } from './kubernetes-support.ts'

const limits = { timeout: 20_000 }

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind
const namesOf = (list: any): string[] => list.items.map((item: any) => item.metadata.name)

describe('who may ask what', limits, () => {
  it('tells its version only to those it knows', limits, async () => {
    await using world = await startApi()
    assert.match((await world.get('/version')).json.gitVersion, /^v1\.35\.\d+-eks-/)
    for (const authorization of ['Bearer wrong', 'Basic b3BlcmF0b3I6eA==', ''])
      assert.deepEqual((await world.get('/version', { authorization })).json, {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'Unauthorized',
        reason: 'Unauthorized',
        code: 401,
      })
  })

  for (const [path, message, details] of [
    [
      PODS,
      'pods is forbidden: User "operator" cannot list resource "pods" in API group "" in the namespace "paragon"',
      { kind: 'pods' },
    ],
    [
      `${PODS}?watch=1`,
      'pods is forbidden: User "operator" cannot watch resource "pods" in API group "" in the namespace "paragon"',
      { kind: 'pods' },
    ],
    [
      `${PODS}/x/log`,
      'pods "x" is forbidden: User "operator" cannot get resource "pods/log" in API group "" in the namespace "paragon"',
      { name: 'x', kind: 'pods' },
    ],
    [
      '/api/v1/namespaces',
      'namespaces is forbidden: User "operator" cannot list resource "namespaces" in API group "" at the cluster scope',
      { kind: 'namespaces' },
    ],
    [
      '/apis/discovery.k8s.io/v1/endpointslices',
      'endpointslices.discovery.k8s.io is forbidden: User "operator" cannot list resource "endpointslices" in API ' +
        'group "discovery.k8s.io" at the cluster scope',
      { group: 'discovery.k8s.io', kind: 'endpointslices' },
    ],
    ['/version', 'forbidden: User "operator" cannot get path "/version"', {}],
  ] as const)
    it(`forbids ${path} in the API server's words`, limits, async () => {
      await using world = await startApi({ authorize: () => false })
      const { status, json } = await world.get(path)
      assert.equal(status, 403)
      assert.equal(json.message, message)
      assert.equal(json.reason, 'Forbidden')
      assert.deepEqual(json.details, details)
    })

  it('adds the reason that the authorizer gives', limits, async () => {
    await using world = await startApi({
      authorize: (_user, { verb }) => verb !== 'list' || 'not on Sundays',
    })
    assert.match((await world.get(PODS)).json.message, /in the namespace "paragon": not on Sundays$/)
    assert.equal((await world.get(`${PODS}/${FIRST_HERMES}`)).status, 200)
  })

  it('records who asked for what, and no token', limits, async () => {
    await using world = await startApi()
    await world.get(`${PODS}?limit=1`)
    assert.deepEqual(world.api.requests, [
      { method: 'GET', path: PODS, query: 'limit=1', user: 'operator', upgrade: undefined },
    ])
  })

  it('refuses a foreign page and a foreign name', limits, async () => {
    await using world = await startApi()
    assert.equal((await world.get('/version', { origin: 'https://evil.example' })).status, 403)
    assert.equal((await world.get('/version', { host: 'evil.example' })).status, 403)
    assert.equal((await world.get('/version', { host: WORLD.cluster.host })).status, 200)
  })

  it('fails the next request when told to, once', limits, async () => {
    await using world = await startApi()
    world.api.faults.failNext({ status: 401, path: '/pods' })
    world.api.faults.failNext({ status: 429, retryAfter: 3, path: '/log' })
    assert.equal((await world.get('/version')).status, 200)
    assert.equal((await world.get(PODS)).json.message, 'Unauthorized')
    assert.equal((await world.get(PODS)).status, 200)
    const throttled = await world.get(`${PODS}/${FIRST_HERMES}/log`)
    assert.equal(throttled.status, 429)
    assert.equal(throttled.headers['retry-after'], '3')
    assert.equal(throttled.text, 'Too many requests, please try again later.\n')
    assert.equal((await world.get(`${PODS}/${FIRST_HERMES}/log?tailLines=1`)).status, 200)
  })
})

describe('what is there', limits, () => {
  it('lists its groups and resources', limits, async () => {
    await using world = await startApi()
    assert.deepEqual((await world.get('/api')).json.versions, ['v1'])
    const { resources } = (await world.get('/api/v1')).json
    for (const name of [
      'namespaces',
      'pods',
      'pods/log',
      'pods/exec',
      'pods/portforward',
      'services',
      'events',
    ])
      assert.ok(
        resources.some((entry: { name: string }) => entry.name === name),
        name,
      )
    const { groups } = (await world.get('/apis')).json
    assert.deepEqual(
      groups.map(({ name }: { name: string }) => name),
      ['authorization.k8s.io', 'discovery.k8s.io'],
    )
    assert.equal((await world.get('/readyz')).text, 'ok')
  })

  for (const [path, message] of [
    ['/apis/apps/v1/deployments', 'the server could not find the requested resource'],
    ['/api/v1/teapots', 'the server could not find the requested resource'],
    ['/nowhere', 'the server could not find the requested resource'],
    [`${PODS}/missing`, 'pods "missing" not found'],
    [`${PODS}/missing/log`, 'pods "missing" not found'],
    [`/api/v1/namespaces/default/pods/${FIRST_HERMES}`, `pods "${FIRST_HERMES}" not found`],
    [`${PODS}/${FIRST_HERMES}/teapot`, 'the server could not find the requested resource'],
    [
      '/apis/discovery.k8s.io/v1/namespaces/paragon/endpointslices/x',
      'endpointslices.discovery.k8s.io "x" not found',
    ],
  ] as const)
    it(`says 404 to ${path}`, limits, async () => {
      await using world = await startApi()
      const { status, json } = await world.get(path)
      assert.equal(status, 404)
      assert.equal(json.message, message)
      assert.equal(json.reason, 'NotFound')
    })

  it('cannot be written to', limits, async () => {
    await using world = await startApi()
    const { status, json } = await world.get(PODS, {}, 'POST')
    assert.equal(status, 405)
    assert.equal(json.reason, 'MethodNotAllowed')
  })

  it('shows a container that was killed for its memory, and runs again', limits, async () => {
    await using world = await startApi()
    const { metadata, status } = (await world.get(`${PODS}/${KILLED_HERMES}`)).json
    assert.equal(metadata.labels['app.kubernetes.io/name'], 'hermes')
    assert.equal(metadata.labels['app.kubernetes.io/instance'], 'paragon-on-prem')
    assert.equal(status.podIP, '10.0.33.22')
    const [container] = status.containerStatuses
    assert.equal(container.restartCount, 1)
    assert.equal(container.ready, true)
    assert.match(container.containerID, /^containerd:\/\/[0-9a-f]{64}$/)
    const { terminated } = container.lastState
    assert.equal(terminated.exitCode, 137)
    assert.equal(terminated.reason, 'OOMKilled')
    assert.notEqual(terminated.containerID, container.containerID)
    assert.ok(terminated.finishedAt <= container.state.running.startedAt)
    const other = (await world.get(`${PODS}/${FIRST_HERMES}`)).json.status.containerStatuses[0]
    assert.deepEqual([other.restartCount, other.lastState], [0, {}])
  })

  for (const [query, names] of [
    ['labelSelector=app.kubernetes.io/name%3Dhermes', [...HERMES]],
    ['labelSelector=app.kubernetes.io/name%3D%3Dhermes,!missing', [...HERMES]],
    ['labelSelector=app.kubernetes.io/name%20in%20(grafana,%20payload)', ['grafana', 'payload']],
    ['labelSelector=app.kubernetes.io/name%20notin%20(hermes,payload)', ['cerberus', 'grafana']],
    ['labelSelector=app.kubernetes.io/instance!%3Dparagon-on-prem', ['grafana']],
    ['labelSelector=missing', []],
    [`fieldSelector=metadata.name%3D${KILLED_HERMES}`, [KILLED_HERMES]],
    ['fieldSelector=status.podIP%3D10.0.34.23', [HERMES[2]]],
    ['fieldSelector=status.phase!%3DRunning', []],
  ] as const)
    it(`selects pods by ${decodeURIComponent(query)}`, limits, async () => {
      await using world = await startApi()
      const found = namesOf((await world.get(`${PODS}?${query}`)).json)
      assert.equal(found.length, names.length)
      for (const [index, name] of names.entries())
        assert.ok(found[index]?.startsWith(name), `${found[index]} for ${name}`)
    })

  it('refuses selectors that it cannot read or does not know', limits, async () => {
    await using world = await startApi()
    assert.equal((await world.get(`${PODS}?labelSelector=a%20near%20b`)).status, 400)
    const { json } = await world.get(`${PODS}?fieldSelector=spec.colour%3Dred`)
    assert.equal(json.message, 'field label not supported: spec.colour')
  })

  it('lists in pages of one moment, whatever happens meanwhile', limits, async () => {
    await using world = await startApi()
    const first = (await world.get(`${PODS}?limit=4`)).json
    assert.equal(first.kind, 'PodList')
    assert.equal(first.metadata.remainingItemCount, 2)
    assert.equal(first.items[0].kind, undefined)
    world.api.faults.deletePod({ pod: HERMES[2] })
    const second = (await world.get(`${PODS}?limit=4&continue=${first.metadata.continue}`)).json
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion)
    assert.deepEqual(namesOf(second), [HERMES[2], 'payload-84b5d7c9f7-zz5rk'])
    assert.equal(second.metadata.continue, undefined)
    assert.equal(
      (await world.get(`${PODS}?limit=4&labelSelector=app.kubernetes.io/instance`)).json.metadata
        .remainingItemCount,
      undefined,
    )
  })

  it('says 410 to a page whose moment is gone, with a token to go on in the present', limits, async () => {
    await using world = await startApi()
    const first = (await world.get(`${PODS}?limit=4`)).json
    world.api.faults.compact()
    const gone = await world.get(`${PODS}?limit=4&continue=${first.metadata.continue}`)
    assert.equal(gone.status, 410)
    assert.equal(gone.json.reason, 'Expired')
    const rest = await world.get(`${PODS}?limit=4&continue=${gone.json.metadata.continue}`)
    assert.deepEqual(namesOf(rest.json), [HERMES[2], 'payload-84b5d7c9f7-zz5rk'])
    assert.equal((await world.get(`${PODS}?continue=rubbish`)).status, 400)
  })

  it('knows services, endpoints and what happened to a pod', limits, async () => {
    await using world = await startApi()
    const namespace = '/api/v1/namespaces/paragon'
    const service = (await world.get(`${namespace}/services/hermes`)).json
    assert.deepEqual([service.spec.clusterIP, service.spec.ports[0].port], ['172.20.31.7', 1702])
    const addresses = ['10.0.32.21', '10.0.33.22', '10.0.34.23']
    const endpoints = (await world.get(`${namespace}/endpoints/hermes`)).json
    assert.deepEqual(
      endpoints.subsets[0].addresses.map(({ ip }: { ip: string }) => ip),
      addresses,
    )
    const slices = '/apis/discovery.k8s.io/v1/namespaces/paragon/endpointslices'
    const found = (await world.get(`${slices}?labelSelector=kubernetes.io/service-name%3Dhermes`)).json
    assert.deepEqual(
      found.items[0].endpoints.map((endpoint: { addresses: string[] }) => endpoint.addresses[0]),
      addresses,
    )
    const events = await world.get(`${namespace}/events?fieldSelector=involvedObject.name%3D${KILLED_HERMES}`)
    assert.deepEqual(events.json.items.map(({ reason }: { reason: string }) => reason).sort(), [
      'BackOff',
      'Started',
    ])
    assert.equal((await world.get('/api/v1/namespaces/paragon')).json.kind, 'Namespace')
  })
})

describe('watch', limits, () => {
  async function watch(world: Awaited<ReturnType<typeof startApi>>, query: string) {
    const response = await world.open(`${PODS}?watch=true&${query}`)
    const lines = linesOf(response)
    return {
      response,
      lines,
      async next() {
        const { type, object } = JSON.parse(await lines.next())
        return [type, object.metadata.name, object] as const
      },
    }
  }

  it('tells what is there, and then a life from creation to deletion', limits, async () => {
    await using world = await startApi()
    const watched = await watch(world, 'labelSelector=app.kubernetes.io/name%3Dcerberus')
    assert.deepEqual((await watched.next()).slice(0, 2), ['ADDED', 'cerberus-5f4d9c7b66-b8n4h'])
    world.api.faults.createPod({ service: 'hermes' })
    const pod = world.api.faults.createPod({ service: 'cerberus', waiting: 'ContainerCreating' })
    world.api.faults.startContainer({ pod })
    world.api.faults.deletePod({ pod })
    const added = await watched.next()
    assert.deepEqual(added.slice(0, 2), ['ADDED', pod])
    assert.equal(added[2].status.phase, 'Pending')
    assert.deepEqual(added[2].status.containerStatuses[0].state, { waiting: { reason: 'ContainerCreating' } })
    const started = await watched.next()
    assert.equal(started[0], 'MODIFIED')
    assert.ok(started[2].status.containerStatuses[0].state.running)
    const types = [await watched.next(), await watched.next(), await watched.next()]
    assert.deepEqual(
      types.map(([type]) => type),
      ['MODIFIED', 'MODIFIED', 'DELETED'],
    )
    assert.match(types[0]?.[2].metadata.deletionTimestamp, /Z$/)
    assert.equal(types[1]?.[2].status.containerStatuses[0].state.terminated.exitCode, 0)
    watched.response.destroy()
  })

  it('goes on after a version without a gap', limits, async () => {
    await using world = await startApi()
    const { resourceVersion } = (await world.get(PODS)).json.metadata
    world.api.faults.restartContainer({ pod: FIRST_HERMES, exitCode: 137, reason: 'OOMKilled' })
    const watched = await watch(world, `resourceVersion=${resourceVersion}`)
    const [, , stopped] = await watched.next()
    assert.equal(stopped.status.containerStatuses[0].state.terminated.reason, 'OOMKilled')
    const [, , again] = await watched.next()
    const [container] = again.status.containerStatuses
    assert.equal(container.restartCount, 1)
    assert.equal(container.lastState.terminated.exitCode, 137)
    watched.response.destroy()
  })

  it('says that a version is gone as an event', limits, async () => {
    await using world = await startApi()
    const { resourceVersion } = (await world.get(PODS)).json.metadata
    world.api.faults.compact()
    const watched = await watch(world, `resourceVersion=${resourceVersion}`)
    assert.equal(watched.response.statusCode, 200)
    const { type, object } = JSON.parse(await watched.lines.next())
    assert.deepEqual([type, object.code, object.reason], ['ERROR', 410, 'Expired'])
    assert.match(object.message, /^too old resource version: \d+ \(\d+\)$/)
    assert.deepEqual(await watched.lines.rest(), [])
  })

  it('sends bookmarks each minute and before its time is up', limits, async () => {
    const clock = new ManualClock()
    await using world = await startApi({ clock })
    const { resourceVersion } = (await world.get(PODS)).json.metadata
    const watched = await watch(
      world,
      `resourceVersion=${resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=90`,
    )
    clock.advance(90_000)
    const [minute, end, ...more] = (await watched.lines.rest()).map((line) => JSON.parse(line))
    assert.deepEqual(minute, {
      type: 'BOOKMARK',
      object: { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion, creationTimestamp: null } },
    })
    assert.equal(end.type, 'BOOKMARK')
    assert.deepEqual(more, [])
    assert.equal(clock.pending, 0)
  })

  it('marks the end of the initial events when asked for them', limits, async () => {
    await using world = await startApi()
    const watched = await watch(
      world,
      'sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan',
    )
    for (let pod = 0; pod < 6; pod++) assert.equal((await watched.next())[0], 'ADDED')
    const [type, , object] = await watched.next()
    assert.equal(type, 'BOOKMARK')
    assert.equal(object.metadata.annotations['k8s.io/initial-events-end'], 'true')
    watched.response.destroy()
  })

  it('ends when told to', limits, async () => {
    await using world = await startApi()
    const watched = await watch(world, 'fieldSelector=metadata.name%3Dnone')
    assert.equal(world.api.faults.endWatches(), 1)
    assert.deepEqual(await watched.lines.rest(), [])
    assert.equal(world.api.faults.endWatches(), 0)
  })

  it('ends with the server', limits, async () => {
    const clock = new ManualClock()
    const world = await startApi({ clock, lineInterval: 300 })
    const watched = await watch(world, 'allowWatchBookmarks=true')
    watched.response.on('error', () => {})
    await world[Symbol.asyncDispose]()
    await watched.lines.rest().catch(() => [])
    assert.equal(clock.pending, 0)
  })
})
