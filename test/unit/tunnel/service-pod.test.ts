import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPgctlError } from '#core/errors.ts'
import type { ClusterPod } from '#core/kube/pods.ts'
import type { ClusterService } from '#core/kube/services.ts'
import { chooseServicePod, chooseServicePort, serviceUnknown } from '#core/tunnel/service-pod.ts'

const PORT = { name: 'http', port: 80, target: 4500 }
const NAMED = { name: 'http', port: 80, target: 'web' }

const service = (...ports: ClusterService['ports']): ClusterService => ({
  name: 'grafana',
  namespace: 'paragon',
  labels: {},
  selector: { app: 'grafana' },
  ports,
})
const wanted = (port: number, portIsDefault: boolean) => ({
  namespace: 'paragon',
  service: 'grafana',
  port,
  portIsDefault,
})
const pod = (name: string, change: Partial<ClusterPod> = {}): ClusterPod => ({
  uid: name,
  name,
  namespace: 'paragon',
  labels: {},
  address: '10.0.0.7',
  ready: true,
  leaving: false,
  trouble: undefined,
  namedPorts: { web: 3000 },
  containers: [],
  ...change,
})

describe('chooseServicePort', { timeout: 10_000 }, () => {
  const other = { name: 'other', port: 81, target: 81 }

  it('takes the port that is asked for', () => {
    assert.equal(chooseServicePort(service(other, PORT), wanted(80, false)), PORT)
  })

  it("takes the Service's only port for a default that it does not have", () => {
    assert.equal(chooseServicePort(service(PORT), wanted(4500, true)), PORT)
  })

  for (const [why, ports, step, reason, next] of [
    ['a port that was typed is meant', [PORT], wanted(4500, false), /it has 80/, /grafana:80/],
    ['which of two?', [PORT, other], wanted(4500, true), /it has 80, 81/, /grafana:80/],
    ['nothing to take', [], wanted(4500, true), /no TCP port/, /^$/],
  ] as const)
    it(`refuses otherwise: ${why}`, () => {
      assert.throws(
        () => chooseServicePort(service(...ports), step),
        (error) =>
          isPgctlError(error, 'target-unknown') &&
          reason.test(error.why ?? '') &&
          next.test(error.next ?? ''),
      )
    })
})

describe('chooseServicePod', { timeout: 10_000 }, () => {
  for (const [why, port, pods, avoided, chosen] of [
    ['the first that is ready', PORT, [pod('a', { ready: false }), pod('b'), pod('c')], undefined, 'b'],
    ['another than the one that failed', PORT, [pod('a'), pod('b')], 'a', 'b'],
    ['the one that failed, when there is no other', PORT, [pod('a'), pod('b', { ready: false })], 'a', 'a'],
    ['one that declares the port', NAMED, [pod('a', { namedPorts: {} }), pod('b')], undefined, 'b'],
  ] as const)
    it(why, () => assert.equal(chooseServicePod(service(port), port, pods, avoided).pod, chosen))

  it("gives the pod's own port and address", () => {
    const found = { namespace: 'paragon', pod: 'a', address: '10.0.0.7' }
    assert.deepEqual(chooseServicePod(service(PORT), PORT, [pod('a')], undefined), { ...found, port: 4500 })
    assert.deepEqual(chooseServicePod(service(NAMED), NAMED, [pod('a')], undefined), { ...found, port: 3000 })
  })

  const waiting = {
    name: 'c',
    restarts: 1,
    state: { kind: 'waiting', why: 'ImagePullBackOff' },
    previous: undefined,
  } as const
  for (const [why, port, pods, message, reason] of [
    ['no pods', PORT, [], /no pod of grafana is ready in namespace paragon/, /the Service has no pods/],
    [
      'each says how it is',
      PORT,
      [
        pod('a', { ready: false, leaving: true }),
        pod('b', { ready: false, trouble: 'Evicted: disk' }),
        pod('c', { ready: false, containers: [waiting] }),
        pod('d', { ready: false }),
      ],
      /is ready/,
      /^a: being deleted; b: Evicted: disk; c: ImagePullBackOff; d: not ready$/,
    ],
    ['a name that none declares', NAMED, [pod('a', { namedPorts: {} })], /serves its port 80/, /named "web"/],
  ] as const)
    it(`refuses: ${why}`, () => {
      assert.throws(
        () => chooseServicePod(service(port), port, pods, undefined),
        (error) => {
          assert.ok(isPgctlError(error, 'far-end-refused'))
          assert.match(error.message, message)
          assert.match(error.why ?? '', reason)
          return true
        },
      )
    })
})

describe('serviceUnknown', { timeout: 10_000 }, () => {
  const there = ['grafana-server', 'hermes'].map((name) => ({ ...service(PORT), name }))
  const step = (name: string, monitors?: readonly string[]) => ({
    ...wanted(4500, true),
    service: name,
    ...(monitors && { monitors }),
  })
  const MONITORS = ['grafana', 'prometheus']

  for (const [why, wantedStep, services, reason, next] of [
    [
      'the nearest that is there, by a port of its own, as the product may not list it',
      step('grafana', MONITORS),
      there,
      /^there are grafana-server, hermes$/,
      /^try pgctl tunnel grafana-server:80$/,
    ],
    [
      'the port that was asked for, where the nearest has it',
      { ...step('hermse'), port: 80 },
      there,
      /hermes/,
      /^try pgctl tunnel hermes:80$/,
    ],
    [
      'that the installation has no such monitor, and others',
      step('prometheus', MONITORS),
      [...there, { ...service(PORT), name: 'grafana' }],
      /hermes/,
      /this installation has other monitors/,
    ],
    ['what is there', step('zeus'), there, /hermes/, /^name one that is there/],
    ['that nothing is there', step('zeus'), [], /^the namespace has no Services$/, /^name one/],
  ] as const)
    it(`tells ${why}`, () => {
      const error = serviceUnknown(wantedStep, services)
      assert.equal(error.code, 'service-unknown')
      assert.match(error.why ?? '', reason)
      assert.match(error.next ?? '', next)
      assert.doesNotMatch(error.next ?? '', /pgctl status/)
    })

  it('says that an installation without any monitor is unmanaged', () => {
    const error = serviceUnknown(step('prometheus', MONITORS), there)
    assert.match(error.message, /^this installation is unmanaged: it has no prometheus$/)
    assert.match(error.why ?? '', /none of the product's monitors; there are grafana-server, hermes$/)
    assert.match(error.next ?? '', /namespace/)
  })

  it('lists not all of a large namespace', () => {
    const many = Array.from({ length: 23 }, (_, index) => ({ ...service(PORT), name: `s-${index}` }))
    assert.match(serviceUnknown(step('prometheus'), many).why ?? '', /s-19 and 3 more$/)
  })
})
