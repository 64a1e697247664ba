import assert from 'node:assert/strict'
import { it } from 'node:test'
import { describeKube, type KubeBench, SILENT_PORT, startPodServer } from '../support/describe-kube.ts'
import { KWOK_NAMESPACE, type KwokCluster, startKwokCluster } from '../support/kwok-cluster.ts'
import { listenersOf } from '../support/listeners-of.ts'
import { describeWith } from '../support/peers.ts'

/** The contract of our Kubernetes client with Kubernetes' own API server; kwok plays the nodes. */

const HERMES = ['hermes-1', 'hermes-2', 'hermes-3']
const TO_COME = Array.from({ length: 5 }, (_, number) => `hermes-new-${number}`)
const pods = [
  ...[...HERMES, ...TO_COME].map((name) => ({ name, service: 'hermes' })),
  { name: 'cerberus-1', service: 'cerberus' },
]

const serviceOf = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: {
    selector: { 'app.kubernetes.io/name': name },
    ports: [{ name: 'http', port: 1702, targetPort: 1702 }],
  },
})

let cluster: KwokCluster

async function makeBench(): Promise<KubeBench> {
  await using parts = new AsyncDisposableStack()
  const pod = parts.use(await startPodServer())
  cluster = parts.use(
    await startKwokCluster({
      pods,
      forwards: [
        { port: 1702, to: pod.port },
        { port: SILENT_PORT, to: 1 },
      ],
    }),
  )
  const collection = `/api/v1/namespaces/${KWOK_NAMESPACE}`
  for (const name of ['hermes', 'cerberus'])
    await cluster.send('POST', `${collection}/services`, serviceOf(name))
  await cluster.send('POST', `${collection}/configmaps`, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'paragon-settings' },
    data: { ANALYTICS_ENABLED: 'true', LOG_LEVEL: 'info' },
  })
  for (const name of [...HERMES, 'cerberus-1']) await cluster.createPod(name)
  const waiting = [...TO_COME]
  const running = parts.move()
  return {
    namespace: KWOK_NAMESPACE,
    access: cluster.access,
    stranger: cluster.stranger,
    hermes: HERMES,
    async addHermes() {
      const name = waiting.shift()
      assert.ok(name, 'kwok is told of more pods')
      await cluster.createPod(name)
      return name
    },
    async deletePod(name) {
      await cluster.send('DELETE', `${collection}/pods/${name}?gracePeriodSeconds=0`)
    },
    writeLine: (name, text) => cluster.writeLine(name, text),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const PEERS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kwok'] as const

describeWith(PEERS, "our Kubernetes client and Kubernetes' own API server", { timeout: 300_000 }, () => {
  describeKube(makeBench, {
    // kwok knows no run before the current one, and says so in its own way.
    previousLog: /failed to read log file/,
  })

  it('listens on the loopback only, every part of it', { timeout: 60_000 }, async () => {
    for (const { pid } of cluster.processes) {
      const listeners = await listenersOf(pid)
      assert.deepEqual(
        listeners.filter(({ address }) => address !== '127.0.0.1' && address !== '::1'),
        [],
      )
    }
    const listening = await Promise.all(cluster.processes.map(({ pid }) => listenersOf(pid)))
    assert.deepEqual(
      listening.map((listeners) => listeners.length > 0),
      // The controller manager serves nobody.
      [true, true, true, false],
    )
  })
})
