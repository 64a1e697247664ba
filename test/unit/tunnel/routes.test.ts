import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ErrorCode, isPgctlError } from '#core/errors.ts'
import type { RouteName } from '#core/tunnel/dialer.ts'
import type { Target } from '#core/tunnel/resolve-target.ts'
import { chooseRoute, findRoutes, type RouteFacts } from '#core/tunnel/routes.ts'

const DOCUMENT = 'AWS-StartPortForwardingSessionToRemoteHost'
const BASTION = 'i-0a1b2c3d4e5f60718'
const CLUSTER = { host: 'abc.eks.example', port: 443 }
const ALL: RouteFacts = { bastion: BASTION, cluster: CLUSTER, namespace: 'paragon' }
const speaks = { protocol: { kind: 'unknown' }, protocolCertain: false } as const

const HOST: Target = {
  kind: 'host',
  name: 'db.internal:5432',
  host: 'db.internal',
  port: 5432,
  instance: undefined,
  ...speaks,
}
const RAW: Target = { ...HOST, instance: 'i-11111111111111111' }
const API: Target = { kind: 'cluster', name: 'cluster', ...speaks }
const SERVICE: Target = { kind: 'service', name: 'grafana', service: 'grafana', port: 4500, ...speaks }

/** What is there, by the letters of: bastion, cluster, namespace. */
const FACTS: Readonly<Record<string, RouteFacts>> = Object.fromEntries(
  ['bcn', 'bc', 'bn', 'b', 'cn', 'c', 'n', ''].map((letters) => [
    letters,
    {
      bastion: letters.includes('b') ? BASTION : undefined,
      cluster: letters.includes('c') ? CLUSTER : undefined,
      namespace: letters.includes('n') ? 'paragon' : undefined,
    },
  ]),
)

/** Every kind of target with every set of facts: the possible routes in order, then the refused ones with the code. */
const TABLE: ReadonlyArray<[Target, string, string, string]> = [
  [HOST, 'bcn', 'direct', 'cluster:usage'],
  [HOST, 'bc', 'direct', 'cluster:usage'],
  [HOST, 'bn', 'direct', 'cluster:usage'],
  [HOST, 'b', 'direct', 'cluster:usage'],
  [HOST, 'cn', '', 'direct:bastion-missing cluster:usage'],
  [HOST, 'c', '', 'direct:bastion-missing cluster:usage'],
  [HOST, 'n', '', 'direct:bastion-missing cluster:usage'],
  [HOST, '', '', 'direct:bastion-missing cluster:usage'],
  [RAW, 'bcn', 'direct', 'cluster:usage'],
  [RAW, '', 'direct', 'cluster:usage'],
  [API, 'bcn', 'direct', 'cluster:usage'],
  [API, 'bc', 'direct', 'cluster:usage'],
  [API, 'bn', '', 'direct:cluster-missing cluster:usage'],
  [API, 'b', '', 'direct:cluster-missing cluster:usage'],
  [API, 'cn', '', 'direct:bastion-missing cluster:usage'],
  [API, 'c', '', 'direct:bastion-missing cluster:usage'],
  [API, 'n', '', 'direct:cluster-missing cluster:usage'],
  [API, '', '', 'direct:cluster-missing cluster:usage'],
  [SERVICE, 'bcn', 'cluster direct', ''],
  [SERVICE, 'bc', '', 'cluster:usage direct:usage'],
  [SERVICE, 'bn', '', 'cluster:cluster-missing direct:cluster-missing'],
  [SERVICE, 'b', '', 'cluster:cluster-missing direct:cluster-missing'],
  [SERVICE, 'cn', '', 'cluster:bastion-missing direct:bastion-missing'],
  [SERVICE, 'c', '', 'cluster:bastion-missing direct:bastion-missing'],
  [SERVICE, 'n', '', 'cluster:bastion-missing direct:bastion-missing'],
  [SERVICE, '', '', 'cluster:bastion-missing direct:bastion-missing'],
]

describe('findRoutes', { timeout: 10_000 }, () => {
  for (const [target, letters, possible, refused] of TABLE)
    it(`${target === RAW ? 'raw ' : ''}${target.kind} with "${letters}"`, () => {
      const routes = findRoutes(target, FACTS[letters] as RouteFacts)
      assert.equal(routes.possible.map(({ route }) => route).join(' '), possible)
      assert.equal(routes.refused.map(({ route, code }) => `${route}:${code}`).join(' '), refused)
      for (const { why } of [...routes.possible, ...routes.refused]) assert.notEqual(why, '')
    })
})

describe('a plan says exactly what to start', { timeout: 10_000 }, () => {
  it('direct to a host', () => {
    const { why, ...plan } = chooseRoute(HOST, ALL, undefined)
    assert.match(why, /db\.internal:5432/)
    assert.deepEqual(plan, {
      route: 'direct',
      instance: BASTION,
      document: DOCUMENT,
      parameters: { host: ['db.internal'], portNumber: ['5432'] },
      steps: [],
    })
  })

  it('direct through the instance that was named', () => {
    assert.equal(chooseRoute(RAW, ALL, undefined).instance, 'i-11111111111111111')
  })

  it("direct to the cluster's API", () => {
    const { parameters, steps } = chooseRoute(API, ALL, undefined)
    assert.deepEqual(parameters, { host: ['abc.eks.example'], portNumber: ['443'] })
    assert.deepEqual(steps, [])
  })

  it('a Service by the cluster, unless the direct way is asked for', () => {
    const byCluster = chooseRoute(SERVICE, ALL, undefined)
    assert.equal(byCluster.route, 'cluster')
    assert.deepEqual(byCluster.parameters, { host: ['abc.eks.example'], portNumber: ['443'] })
    assert.deepEqual(byCluster.steps, [
      { do: 'forward-to-pod', namespace: 'paragon', service: 'grafana', port: 4500, portIsDefault: false },
    ])
  })

  it('a monitor as such, for whoever finds that it is not there', () => {
    const [step] = chooseRoute({ ...SERVICE, monitors: ['grafana'] }, ALL, undefined).steps
    assert.ok(step?.do === 'forward-to-pod' && step.monitors)
  })

  it("a Service directly: the pod's address is learnt from the API, then a second session goes there", () => {
    const direct = chooseRoute(SERVICE, ALL, 'direct')
    assert.equal(direct.route, 'direct')
    assert.deepEqual(direct.parameters, { host: ['abc.eks.example'], portNumber: ['443'] })
    assert.deepEqual(direct.steps, [
      { do: 'find-pod', namespace: 'paragon', service: 'grafana', port: 4500, portIsDefault: false },
      { do: 'session-to-pod', document: DOCUMENT },
    ])
  })
})

describe('chooseRoute', { timeout: 10_000 }, () => {
  const refusals: ReadonlyArray<[Target, string, RouteName | undefined, ErrorCode, RegExp, RegExp]> = [
    [
      HOST,
      'bcn',
      'cluster',
      'usage',
      /no cluster way to db\.internal:5432/,
      /leave out --route: the direct way/,
    ],
    [API, 'bcn', 'cluster', 'usage', /no cluster way to cluster/, /leave out --route/],
    [SERVICE, 'cn', undefined, 'bastion-missing', /no way to grafana/, /pgctl status/],
    [SERVICE, 'bn', undefined, 'cluster-missing', /no way to grafana/, /pgctl status/],
    [SERVICE, 'bn', 'direct', 'cluster-missing', /no direct way to grafana/, /pgctl status/],
    [HOST, '', undefined, 'bastion-missing', /no way to db/, /pgctl status/],
    [SERVICE, 'bc', undefined, 'usage', /no way to grafana/, /^$/],
  ]
  for (const [target, letters, asked, code, message, next] of refusals)
    it(`${target.kind} with "${letters}"${asked ? ` by ${asked}` : ''} → ${code}`, () => {
      assert.throws(
        () => chooseRoute(target, FACTS[letters] as RouteFacts, asked),
        (error) => {
          assert.ok(isPgctlError(error, code), String(error))
          assert.match(error.message, message)
          assert.match(error.next ?? '', next)
          assert.ok(error.why)
          return true
        },
      )
    })
})
