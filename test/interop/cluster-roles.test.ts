import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RoleName } from '#core/kube/rights.ts'
import { groupOf } from '#core/kube/role-manifests.ts'
import { startPodServer } from '../support/describe-kube.ts'
import { KWOK_NAMESPACE, type KwokCluster, startKwokCluster } from '../support/kwok-cluster.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { startTokenReviews, type TokenReviews } from '../support/token-reviews.ts'

/**
 * The roles that are shipped, in Kubernetes' own API server with its own access rules, through sessions on the bastion:
 * what `view` and `operate` are enough for, what a refusal says, and helm with a chart of its own.
 */

const TIMEOUT = { timeout: 120_000 }

const CHART = {
  'Chart.yaml': 'apiVersion: v2\nname: tiny\nversion: 0.1.0\n',
  'values.yaml': 'colour: red\n',
  'templates/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: tiny }
data: { colour: {{ .Values.colour | quote }} }
---
apiVersion: v1
kind: Service
metadata: { name: tiny }
spec: { selector: { app: tiny }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: tiny }
spec:
  replicas: 1
  selector: { matchLabels: { app: tiny } }
  template:
    metadata: { labels: { app: tiny } }
    spec: { containers: [{ name: tiny, image: tiny }] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: tiny }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get] }]
`,
} as const

const serviceOf = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: {
    selector: { 'app.kubernetes.io/name': name },
    ports: [{ name: 'http', port: 1702, targetPort: 1702 }],
  },
})

const PEERS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kwok', 'kubectl', 'helm'] as const

describeWith([...PEERS], 'the roles in a real cluster', { timeout: 400_000 }, () => {
  let parts: AsyncDisposableStack
  let cli: SandboxCli
  let cluster: KwokCluster
  let reviews: TokenReviews
  let path: string

  before(async () => {
    await using started = new AsyncDisposableStack()
    const pod = started.use(await startPodServer())
    reviews = started.use(await startTokenReviews())
    cli = started.use(
      await startSandboxCli({
        logInterval: 0,
        async cluster({ certificate, key, authority, verify }) {
          reviews.verify = verify
          cluster = started.use(
            await startKwokCluster({
              pods: [{ name: 'hermes-1', service: 'hermes' }],
              forwards: [{ port: 1702, to: pod.port }],
              cloud: { certificate, key, authority, tokenReviews: reviews.url },
            }),
          )
          return cluster.port
        },
      }),
    )
    const collection = `/api/v1/namespaces/${KWOK_NAMESPACE}`
    await cluster.send('POST', `${collection}/services`, serviceOf('hermes'))
    await cluster.send('POST', `${collection}/configmaps`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'paragon-settings' },
      data: { ANALYTICS_ENABLED: 'true' },
    })
    await cluster.createPod('hermes-1')
    await cluster.writeLine('hermes-1', 'it is up')
    const chart = join(cli.home, 'tiny')
    await mkdir(join(chart, 'templates'), { recursive: true })
    for (const [name, text] of Object.entries(CHART)) await writeFile(join(chart, name), text)
    path = [...new Set([programOf('kubectl'), programOf('helm')].map(dirname)), '/usr/bin', '/bin'].join(':')
    await applyRoles()
    parts = started.move()
  })
  after(() => parts?.[Symbol.asyncDispose]())

  /** As an administrator of the cluster does with what `pgctl iam kubernetes` prints. */
  async function applyRoles(): Promise<void> {
    const { stdout } = await cli.run(['iam', 'kubernetes', '--json'])
    const { manifests } = JSON.parse(stdout) as { manifests: { kind: string }[] }
    const api = '/apis/rbac.authorization.k8s.io/v1'
    for (const manifest of manifests)
      await cluster.send(
        'POST',
        manifest.kind === 'ClusterRole'
          ? `${api}/clusterroles`
          : `${api}/namespaces/${KWOK_NAMESPACE}/rolebindings`,
        manifest,
      )
  }

  /** The caller's access entry gives this role, or none. */
  async function play(role: RoleName | undefined): Promise<void> {
    reviews.groups = role === undefined ? [] : [groupOf(role)]
    // Tokens of one second are one token, and the API server remembers for a while whose it was.
    await delay(1_100)
  }

  // A tunnel in the background would go on with the token of an earlier role.
  const run = (...argv: string[]) => cli.run(argv, { environment: { PATH: path, PGCTL_BACKGROUND: 'off' } })

  async function works(...argv: string[]): Promise<string> {
    const { status, stdout, stderr } = await run(...argv)
    assert.equal(status, 0, `${argv.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  it('without a role nothing works, and the error names the right and the role', TIMEOUT, async () => {
    await play(undefined)
    const { status, stderr } = await run('logs', 'hermes')
    assert.equal(status, 6)
    assert.match(stderr, /not allowed to get services of hermes in namespace paragon/)
    assert.match(stderr, /the role view has it: pgctl iam kubernetes --role view/)
    const doctor = await run('doctor')
    assert.equal(doctor.status, 5)
    assert.match(doctor.stdout, /failed +rights +not enough for tunnel, logs, status, helm/)
  })

  it('view is enough for every command that reads', TIMEOUT, async () => {
    await play('view')
    assert.match(await works('logs', 'hermes', '--output', 'raw'), /it is up/)
    assert.match(
      await works('doctor', 'hermes:1702'),
      /ok +target +hermes:1702 answers, by the cluster route/,
    )
    const status = JSON.parse((await run('status', '--json')).stdout)
    assert.deepEqual(status.services, ['hermes'])
    assert.match(await works('analytics', 'status'), /on/)
    const kinds = 'pods,services,configmaps,events,deployments,jobs,ingresses,endpointslices,roles'
    await works('kubectl', '--', 'get', kinds)
  })

  it('view reads no Secret and changes nothing, and says which role does', TIMEOUT, async () => {
    await play('view')
    const secrets = await run('kubectl', '--', 'get', 'secrets')
    assert.match(secrets.stderr, /cannot list resource "secrets"/)
    assert.match(secrets.stderr, /^not allowed to list secrets: the role operate has it/m)
    assert.notEqual((await run('helm', '--', 'list')).status, 0)
    assert.notEqual((await run('kubectl', '--', 'delete', 'pod', 'hermes-1')).status, 0)
    const off = await run('analytics', 'off')
    assert.equal(off.status, 6, off.stderr)
    assert.match(off.stderr, /the role operate has it: pgctl iam kubernetes --role operate/)
    const doctor = await run('doctor')
    assert.equal(doctor.status, 0)
    assert.match(doctor.stdout, /warning +rights +not enough for helm: no get secrets, list secrets/)
  })

  it('operate is enough for what changes the product', TIMEOUT, async () => {
    await play('operate')
    await works('analytics', 'off')
    await works('analytics', 'on')
    assert.match(await works('doctor'), /ok +rights +enough for tunnel, logs, status, helm/)
  })

  it('helm installs, upgrades and rolls back a chart through the tunnel', TIMEOUT, async () => {
    await play('operate')
    const chart = join(cli.home, 'tiny')
    await works('helm', '--', 'install', 'tiny', chart)
    const colour = () => works('kubectl', '--', 'get', 'configmap', 'tiny', '-o', 'jsonpath={.data.colour}')
    assert.equal(await colour(), 'red')
    await works('helm', '--', 'upgrade', 'tiny', chart, '--set', 'colour=blue')
    assert.equal(await colour(), 'blue')
    await works('helm', '--', 'rollback', 'tiny', '1')
    assert.equal(await colour(), 'red')
    const history = JSON.parse(await works('helm', '--', 'history', 'tiny', '--output', 'json'))
    assert.deepEqual(
      history.map(({ revision, status }: { revision: number; status: string }) => [revision, status]),
      [
        [1, 'superseded'],
        [2, 'superseded'],
        [3, 'deployed'],
      ],
    )
    await works('helm', '--', 'uninstall', 'tiny')
  })

  it('operate gives away no right that it has not', TIMEOUT, async () => {
    await play('operate')
    const { status, stderr } = await run(
      ...['kubectl', '--', 'create', 'role', 'more', '--verb=get', '--resource=nodes'],
    )
    assert.notEqual(status, 0)
    assert.match(stderr, /attempting to grant RBAC permissions not currently held/)
  })
})
