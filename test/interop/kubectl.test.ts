import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { FIRST_HERMES, HERMES, startApi, type TestApi, TOKEN } from '../contract/kubernetes-support.ts'
import { kubeconfigOf } from '../support/kwok-cluster.ts'
import { PeerProcess, runPeer } from '../support/peer-process.ts'
import { describeWith, programOf } from '../support/peers.ts'

/** `kubectl` and `stern` against the sandbox's API: what they need of a cluster, it has. */

const TIMEOUT = { timeout: 60_000 }

describeWith(
  ['kubectl', 'stern'],
  "kubectl and stern against the sandbox's API",
  { timeout: 300_000 },
  () => {
    let world: TestApi
    let home: string
    const parts = new AsyncDisposableStack()
    before(async () => {
      home = await mkdtemp(join(tmpdir(), 'pgctl-kubectl-'))
      parts.defer(() => rm(home, { recursive: true, force: true }))
      world = parts.use(await startApi())
      const server = `https://127.0.0.1:${world.api.port}`
      const config = kubeconfigOf(server, world.trust.ca, TOKEN, world.trust.servername)
      await writeFile(join(home, 'config'), config, { mode: 0o600 })
    })
    after(() => parts.disposeAsync())

    const surroundings = () => ({
      environment: { HOME: home, KUBECONFIG: join(home, 'config'), PATH: '/usr/bin:/bin' },
      timeoutMs: 45_000,
    })
    const kubectl = (...words: string[]) => runPeer(programOf('kubectl'), words, surroundings())
    const start = (name: 'kubectl' | 'stern', ...words: string[]) =>
      new PeerProcess(programOf(name), words, surroundings())
    const write = (pod: string, ...lines: string[]) => world.api.faults.writeLog({ pod, lines })

    async function answer(...words: string[]): Promise<string> {
      const { status, stdout, stderr } = await kubectl(...words)
      assert.equal(status, 0, `kubectl ${words.join(' ')}: ${stderr}`)
      return stdout
    }

    it('lists what is there, by label and as a table', TIMEOUT, async () => {
      const names = await answer('get', 'pods', '-l', 'app.kubernetes.io/name=hermes', '-o', 'name')
      assert.deepEqual(
        names.trimEnd().split('\n'),
        HERMES.map((name) => `pod/${name}`),
      )
      // A cluster prints tables itself, with more columns; without them kubectl makes its own.
      assert.match(await answer('get', 'services'), /^hermes +30d$/m)
      const port = 'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}'
      assert.equal(await answer('get', 'service', 'hermes', '-o', port), '172.20.31.7:1702')
      assert.match(await answer('version'), /Server Version: v1\.\d+/)
    })

    it('says what a cluster says of what is not there', TIMEOUT, async () => {
      const { status, stderr } = await kubectl('get', 'pod', 'zeus-0')
      assert.equal(status, 1)
      assert.equal(stderr, 'Error from server (NotFound): pods "zeus-0" not found\n')
    })

    it('reads a log from its tail, and follows it', TIMEOUT, async () => {
      write(FIRST_HERMES, 'one', 'two', 'three')
      assert.equal(await answer('logs', FIRST_HERMES, '--tail=2'), 'two\nthree\n')
      await using follow = start('kubectl', 'logs', '-f', FIRST_HERMES, '--tail=1')
      await follow.says(/^three$/m)
      write(FIRST_HERMES, 'and more')
      await follow.says(/^three\nand more$/m)
    })

    it('runs a command in a container, with its exit status and its outputs apart', TIMEOUT, async () => {
      const { status, stdout, stderr } = await kubectl(
        ...['exec', FIRST_HERMES, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'],
      )
      assert.equal(stdout, 'out\n')
      assert.match(stderr, /^err\n/)
      assert.match(stderr, /command terminated with exit code 3/)
      assert.equal(status, 3)
    })

    it('is refused a port-forward, in words that kubectl passes on', TIMEOUT, async () => {
      // kubectl speaks SPDY, bare or inside a WebSocket. The sandbox has the channels of v4.channel.k8s.io only.
      const { status, stderr } = await kubectl('port-forward', `pod/${FIRST_HERMES}`, ':1702')
      assert.equal(status, 1)
      assert.match(
        stderr,
        /^error: error upgrading connection: unable to upgrade connection: Upgrade request/,
      )
    })

    it('stern follows every pod of a service, and one that comes', TIMEOUT, async () => {
      const selector = ['-l', 'app.kubernetes.io/name=hermes', '-n', WORLD.namespace]
      await using stern = start('stern', ...selector, '--tail', '1', '--color', 'never')
      for (const pod of HERMES) write(pod, `${pod} is here`)
      for (const pod of HERMES) await stern.says(new RegExp(`^${pod} hermes ${pod} is here$`, 'm'))
      const added = world.api.faults.createPod({ service: 'hermes' })
      await stern.says(new RegExp(`\\+ ${added} › hermes`))
      write(added, 'and so am I')
      await stern.says(new RegExp(`^${added} hermes and so am I$`, 'm'))
    })
  },
)
