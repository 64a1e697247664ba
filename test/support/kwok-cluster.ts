import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'
import { freePorts } from './free-port.ts'
import { kwokConfig } from './kwok-config.ts'
import { PeerProcess } from './peer-process.ts'
import { programOf } from './peers.ts'

/** Kubernetes' own API server over etcd, with kwok in place of nodes: all on the loopback, in a folder of its own. */

/** A pod of the cluster that the tests make. */
export interface KwokPod {
  readonly name: string
  readonly service: string
}

export interface KwokCluster extends AsyncDisposable {
  readonly port: number
  readonly access: ClusterAccess
  /** A user whom nothing is allowed. */
  readonly stranger: ClusterAccess
  /** For other programs: who may do everything. */
  readonly kubeconfig: string
  readonly processes: readonly PeerProcess[]
  /** POST of an object into a namespace's collection, or another method on one of it. */
  send(method: 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>
  createPod(pod: string): Promise<void>
  /** Adds a line to what the pod has written, stamped now. */
  writeLine(pod: string, text: string): Promise<void>
}

export const KWOK_NAMESPACE = 'paragon'
const OPERATOR_TOKEN = 'operator-of-a-test'
const STRANGER_TOKEN = 'stranger-of-a-test'
/** An API server takes some seconds to start, and more on a busy machine. */
const READY_WITHIN_MS = 90_000
const LIFETIME_MS = 10 * 60_000
export const NODE = 'node-0'

export interface KwokOptions {
  /** Every pod that a test may make: kwok is told of their logs when it starts. */
  readonly pods: readonly KwokPod[]
  /** Ports of pods, and where they lead on the loopback. */
  readonly forwards: readonly { readonly port: number; readonly to: number }[]
  /** As a cloud's cluster: a certificate of its authority (PEM), and where it asks whose token it is. */
  readonly cloud?: {
    readonly certificate: string
    readonly key: string
    readonly authority: string
    /** Of a webhook that answers TokenReviews. */
    readonly tokenReviews: string
  }
}

export async function startKwokCluster(options: KwokOptions): Promise<KwokCluster> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-kwok-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const [etcdClient = 0, etcdPeer = 0, api = 0, kubelet = 0] = await freePorts(4)
  const processes: PeerProcess[] = []
  const start = (name: 'etcd' | 'kube-apiserver' | 'kwok' | 'kube-controller-manager', words: string[]) => {
    const peer = parts.use(
      new PeerProcess(programOf(name), words, {
        environment: { HOME: folder, PATH: '/usr/bin:/bin' },
        cwd: folder,
        timeoutMs: LIFETIME_MS,
      }),
    )
    processes.push(peer)
    return peer
  }
  const at = (port: number) => `http://127.0.0.1:${port}`
  const logOf = (pod: string) => join(folder, 'logs', `${pod}.log`)
  await mkdir(join(folder, 'logs'))
  for (const { name } of options.pods) await writeFile(logOf(name), '')

  start('etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
    ...['--listen-client-urls', at(etcdClient), '--advertise-client-urls', at(etcdClient)],
    ...['--listen-peer-urls', at(etcdPeer), '--initial-advertise-peer-urls', at(etcdPeer)],
    ...['--initial-cluster', `default=${at(etcdPeer)}`],
  ])
  await makeKey(join(folder, 'sa.key'))
  await writeFile(
    join(folder, 'tokens.csv'),
    `${OPERATOR_TOKEN},operator,operator,"system:masters"\n${STRANGER_TOKEN},stranger,stranger\n`,
    { mode: 0o600 },
  )
  const certificate = join(folder, options.cloud === undefined ? 'certs/apiserver.crt' : 'cloud.crt')
  const key = join(folder, options.cloud === undefined ? 'certs/apiserver.key' : 'cloud.key')
  const cloud = options.cloud === undefined ? [] : await writeCloudFiles(folder, options.cloud)
  const apiserver = start('kube-apiserver', [
    `--etcd-servers=${at(etcdClient)}`,
    ...['--bind-address=127.0.0.1', `--secure-port=${api}`, `--cert-dir=${join(folder, 'certs')}`],
    ...['--service-account-issuer=https://kubernetes.default.svc', '--service-account-key-file=sa.key'],
    ...['--service-account-signing-key-file=sa.key', '--token-auth-file=tokens.csv'],
    ...['--authorization-mode=RBAC', '--disable-admission-plugins=ServiceAccount'],
    ...['--kubelet-preferred-address-types=InternalIP', '--service-cluster-ip-range=10.96.0.0/16'],
    '--endpoint-reconciler-type=none',
    ...cloud,
  ])
  const giveUpAt = performance.now() + READY_WITHIN_MS
  const ready = async (what: string, ask: () => Promise<boolean>) => {
    while (!(await ask().catch(() => false))) {
      if (performance.now() > giveUpAt)
        throw new Error(`${what} is not ready:\n${apiserver.stderr.slice(-2_000)}`)
      await delay(100)
    }
  }
  await ready('the API server', async () => (await readFile(certificate, 'utf8')).includes('END CERTIFICATE'))
  const ca = options.cloud?.authority ?? (await readFile(certificate, 'utf8'))
  const ask = (method: string, path: string, body?: object) => sendTo(api, ca, method, path, body)
  await ready('the API server', async () => (await ask('GET', '/readyz')).status === 200)

  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf(`https://127.0.0.1:${api}`, ca), { mode: 0o600 })
  await writeFile(
    join(folder, 'kwok.yaml'),
    kwokConfig({
      namespace: KWOK_NAMESPACE,
      pods: options.pods.map(({ name, service }) => ({ name, container: service, log: logOf(name) })),
      forwards: options.forwards,
    }),
  )
  start('kwok', [
    ...['--kubeconfig', kubeconfig, '--config', join(folder, 'kwok.yaml'), '--manage-all-nodes'],
    ...['--node-ip', '127.0.0.1', '--node-port', String(kubelet), '--node-name', 'kwok'],
    // Without it, kwok listens on every address, and what it serves runs commands on this computer.
    ...['--server-address', `127.0.0.1:${kubelet}`],
    ...['--tls-cert-file', certificate, '--tls-private-key-file', key],
  ])
  start('kube-controller-manager', [
    ...[`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'],
    ...[
      '--use-service-account-credentials=false',
      '--controllers=garbage-collector-controller,namespace-controller',
    ],
  ])

  const send = async (method: 'POST' | 'DELETE', path: string, body?: object) => {
    const { status, text } = await ask(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    return JSON.parse(text) as unknown
  }
  await send('POST', '/api/v1/namespaces', object('Namespace', KWOK_NAMESPACE))
  await send('POST', '/api/v1/nodes', object('Node', NODE))
  const running = parts.move()
  const accessOf = (token: string): ClusterAccess => ({
    server: `https://127.0.0.1:${api}`,
    tlsServerName: '127.0.0.1',
    ca,
    token: async () => ({ value: token, expires: Number.POSITIVE_INFINITY }),
  })
  return {
    port: api,
    access: accessOf(OPERATOR_TOKEN),
    stranger: accessOf(STRANGER_TOKEN),
    kubeconfig,
    processes,
    send,
    async createPod(name) {
      const pod = options.pods.find((each) => each.name === name)
      if (pod === undefined) throw new Error(`kwok was not told of the pod ${name}`)
      const path = `/api/v1/namespaces/${KWOK_NAMESPACE}/pods`
      await send('POST', path, podOf(pod))
      await ready(name, async () => /"phase":"Running"/.test((await ask('GET', `${path}/${name}`)).text))
    },
    writeLine: (pod, text) => appendFile(logOf(pod), `${new Date().toISOString()} stdout F ${text}\n`),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const object = (kind: string, name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, labels },
})

/** No scheduler runs: a pod names its node. */
const podOf = ({ name, service }: KwokPod) => ({
  ...object('Pod', name, { 'app.kubernetes.io/name': service }),
  spec: {
    nodeName: NODE,
    containers: [{ name: service, image: service, ports: [{ name: 'http', containerPort: 1702 }] }],
  },
})

/** The words for the API server of a cloud's cluster. */
async function writeCloudFiles(
  folder: string,
  cloud: NonNullable<KwokOptions['cloud']>,
): Promise<readonly string[]> {
  const webhook = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cloud', cluster: { server: cloud.tokenReviews } }],
    users: [{ name: 'cluster' }],
    contexts: [{ name: 'cloud', context: { cluster: 'cloud', user: 'cluster' } }],
    'current-context': 'cloud',
  }
  await writeFile(join(folder, 'cloud.crt'), cloud.certificate)
  await writeFile(join(folder, 'cloud.key'), cloud.key, { mode: 0o600 })
  await writeFile(join(folder, 'webhook.json'), JSON.stringify(webhook))
  return [
    ...['--tls-cert-file=cloud.crt', '--tls-private-key-file=cloud.key'],
    ...[
      '--authentication-token-webhook-config-file=webhook.json',
      '--authentication-token-webhook-version=v1',
    ],
    // Whoever gets another role gets it at once.
    '--authentication-token-webhook-cache-ttl=0s',
  ]
}

async function makeKey(path: string): Promise<void> {
  const { generateKeyPairSync } = await import('node:crypto')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
}

async function sendTo(port: number, ca: string, method: string, path: string, body?: object) {
  const outgoing = request({
    ...{ host: '127.0.0.1', port, ca, path, method, agent: false },
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' },
  })
  outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode ?? 0, text }
}

/** The configuration of other programs, for a server with a certificate of its own authority. */
export function kubeconfigOf(
  server: string,
  ca: string,
  token = OPERATOR_TOKEN,
  tlsServerName?: string,
): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
          ...(tlsServerName === undefined ? {} : { 'tls-server-name': tlsServerName }),
        },
      },
    ],
    users: [{ name: 'operator', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'operator', namespace: KWOK_NAMESPACE } }],
    'current-context': 'test',
  }
  // JSON is YAML.
  return JSON.stringify(config)
}
