import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { promisify } from 'node:util'
import { parseChecks } from '#core/image/checks.ts'
import { Tree } from '#core/image/io/tree.ts'
import { type Judgement, judgeMachine } from '#core/image/judge-check.ts'
import { WORLD } from '#sandbox/world.ts'
import { type BootedTree, bootTree, SOURCE } from '../support/booted-tree.ts'
import { type CloudOutside, startCloudOutside } from '../support/cloud-outside.ts'
import { eventually } from '../support/eventually.ts'
import { describeImage, type FinishedTree, finishedTree, root } from '../support/image-tree.ts'

/**
 * The vendor's own agent on the booted image, against the sandbox. It finds the cloud as on AWS: by its names, over
 * TLS, through the image's firewall, with the credentials of the metadata. The package is whoever's runs it, as its host
 * cannot be reached from where tests run.
 *
 *     PGCTL_VENDOR_AGENT=/path/to/amazon-ssm-agent.deb node --test test/interop/vendor-agent.test.ts
 */

const AGENT = process.env['PGCTL_VENDOR_AGENT']
const LACKS =
  AGENT === undefined ? "needs the vendor's package: PGCTL_VENDOR_AGENT=amazon-ssm-agent.deb" : undefined

/** An older agent may be tried too; whether it is old is the gate's matter. */
const SKIPPED = ['--skip', 'agent-version']

const TIMEOUT = 600_000

describeImage(
  ['systemd-nspawn', 'dnsmasq'],
  "the vendor's agent on the image",
  { timeout: TIMEOUT, lacks: LACKS },
  () => {
    const parts = new AsyncDisposableStack()
    let tree: FinishedTree
    let bastion: BootedTree
    let cloud: CloudOutside
    let version = ''
    let gate: readonly Judgement[] = []

    before(
      async () => {
        cloud = parts.use(await startCloudOutside())
        tree = parts.use(await finishedTree({ agent: AGENT }))
        version = await versionOf(AGENT ?? '')
        const checks = parseChecks(await readFile(join(root, 'packer/checks.yaml'), 'utf8'), 'checks.yaml')
        gate = await judgeMachine(checks, new Tree(tree.root))
        await writeFile(join(tree.root, 'var/tmp/authority.pem'), cloud.notes.authority)
        const trust = '[Service]\nEnvironment=SSL_CERT_FILE=/var/tmp/authority.pem\n'
        const credentials = { 'systemd.unit-dropin.amazon-ssm-agent.service': trust }
        const { outside } = cloud
        bastion = parts.use(await bootTree(tree.root, { outside, credentials, networkAfterMs: 4_000 }))
      },
      { timeout: TIMEOUT },
    )
    after(() => parts.disposeAsync())

    const pgctl = async (...words: string[]) => {
      const ran = await cloud.operator.run(...words)
      assert.equal(ran.status, 0, ran.stderr + ran.stdout)
      return ran.stdout
    }

    it('passes the gate that every image must pass, but for its age', () => {
      assert.deepEqual(
        gate.filter(({ passed, id }) => !passed && id !== (isOld(version) ? 'agent-version' : '')),
        [],
      )
      assert.equal(gate.find(({ id }) => id === 'agent-starts')?.passed, true)
    })

    it('is there, and starts at boot', async () => {
      const ran = await bastion.run(['pgctl', 'image', 'verify', '--json', '--only', 'agent-starts'])
      const { checks } = JSON.parse(ran.stdout) as { checks: { passed: boolean; found: string[] }[] }
      assert.deepEqual(
        checks.map(({ passed, found }) => ({ passed, found })),
        [{ passed: true, found: [] }],
      )
    })

    it('registers, reports what it is, and is online', async () => {
      await eventually(
        async () => (await cloud.operator.run('bastion', 'status')).stdout.includes('agent online'),
        60_000,
      )
      assert.ok((await pgctl('bastion', 'status')).includes(`agent online ${version}`))
    })

    it('runs a command as the account of sessions, and tells its end', async () => {
      const said = await pgctl(
        'exec',
        '--',
        'sh',
        '-c',
        'id -un; echo $HOME; . /etc/os-release; echo $VERSION_CODENAME',
      )
      assert.equal(said, 'ssm-user\n/home/ssm-user\ntrixie\n')
      const failed = await cloud.operator.run('exec', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7')
      assert.deepEqual([failed.status, failed.stdout, failed.stderr], [7, 'out\n', 'err\n'])
    })

    it('copies a file there and back', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'pgctl-copied-'))
      try {
        const [sent, back] = [join(folder, 'sent'), join(folder, 'back')]
        await writeFile(sent, randomBytes(300_000))
        await pgctl('cp', sent, ':/var/tmp/copied')
        await pgctl('cp', ':/var/tmp/copied', back)
        assert.ok((await readFile(back)).equals(await readFile(sent)))
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })

    it('keeps the role of the instance from whoever logs in', async () => {
      const ask = [
        'curl',
        '--silent',
        '--max-time',
        '5',
        '-X',
        'PUT',
        'http://169.254.169.254/latest/api/token',
      ]
      const refused = await cloud.operator.run('exec', '--', ...ask)
      assert.deepEqual([refused.status, refused.stdout], [7, ''])
    })

    it('forwards to no metadata, however they are spelled', async () => {
      // Older ones compare the text of an address (CVE-2026-89049); the image takes none of them.
      const spellings = ['169.254.169.254', ...(isOld(version) ? [] : ['0xa9fea9fe', '[::ffff:a9fe:a9fe]'])]
      for (const spelling of spellings) {
        const refused = await cloud.operator.run('tunnel', `${spelling}:80`, '--port', '0')
        assert.match(refused.stderr, /the agent forwards to no such address/, spelling)
      }
    })

    it('opens a login shell, in which its operator has their own rights', async () => {
      await using person = cloud.operator.at('login')
      await eventually(() => person.written.includes(`acme: ${WORLD.workspace} in ${WORLD.account}`), 30_000)
      const asks = [
        'pwd',
        'kubectl config current-context',
        'kubectl get pods -o name',
        'pgctl logs hermes --tail 2',
      ]
      person.type(`{ ${asks.join('; ')}; } > /var/tmp/said 2>&1; exit\n`)
      assert.equal((await person.exit).exitCode, 0, person.written)
      const said = await readFile(join(tree.root, 'var/tmp/said'), 'utf8')
      assert.match(said, /^\/home\/ssm-user$/m)
      assert.match(said, /^pgctl-acme$/m)
      assert.match(said, /^pod\/hermes-/m)
      assert.match(said, /^hermes-\S+ /m)
      assert.doesNotMatch(person.written, /k8s-aws-v1/)
    })

    it('forwards to a service of the cluster, and to a database', async () => {
      const { stdout: page } = await cloud.operator.through(['grafana'], ({ port }) =>
        cloud.operator.runProgram('curl', '--silent', `http://127.0.0.1:${port}/api/health`),
      )
      assert.match(page, /"database"/)
      assert.match(await pgctl('logs', 'hermes', '--tail', '2'), /hermes/)
      // The database itself is asked whether it speaks TLS: its answer is one letter.
      const ask = `
        const socket = require('node:net').connect(process.argv[1], '127.0.0.1')
        socket.end(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])).once('data', (letter) => {
          process.stdout.write(letter)
          socket.destroy()
        })`
      const { stdout: letter } = await cloud.operator.through(['postgres'], ({ port }) =>
        cloud.operator.runProgram(process.execPath, '-e', ask, String(port)),
      )
      assert.equal(letter, 'S')
    })

    it('lets the machine say what is done on it', async () => {
      const activity = async () => {
        const script = `${SOURCE}/test/support/print-activity.ts`
        const { stdout } = await bastion.run(['/usr/lib/pgctl/node', script])
        return JSON.parse(stdout) as { connections: number; programs: number; sessions: string[] }
      }
      const become = (wanted: (now: Awaited<ReturnType<typeof activity>>) => boolean) =>
        eventually(async () => wanted(await activity()), 20_000)
      const nothing = () =>
        become(({ connections, programs, sessions }) => connections + programs + sessions.length === 0)
      await nothing()
      // What is left running has no parent of the agent's any more.
      const left = await cloud.operator.run('exec', '--', 'sh', '-c', 'setsid sleep 300 >/dev/null 2>&1 &')
      assert.equal(left.status, 0, left.stderr)
      await become(({ programs, sessions }) => programs === 1 && sessions.length === 0)
      await bastion.run(['pkill', '--exact', 'sleep'])
      await cloud.operator.through(['grafana'], () =>
        become(
          ({ connections, programs, sessions }) => connections > 0 && programs === 0 && sessions.length === 1,
        ),
      )
      await nothing()
    })

    it('has sessions written down while they go on', async () => {
      await eventually(async () => (await cloud.sessionLog('read')).includes('kubectl get pods'), 30_000)
    })

    it('makes no account of its own, and changes nothing of the image', async () => {
      const { stdout } = await bastion.run(['pgctl', 'image', 'verify', '--json', ...SKIPPED])
      const { checks } = JSON.parse(stdout) as { checks: { id: string; passed: boolean; found: string[] }[] }
      assert.deepEqual(
        checks.filter(({ passed }) => !passed).map(({ id, found }) => [id, found]),
        [],
      )
    })
  },
)

/** As the package says it, without what its packaging adds. */
async function versionOf(file: string): Promise<string> {
  const { stdout } = await promisify(execFile)('dpkg-deb', ['--field', file, 'Version'])
  return stdout.trim().replace(/-\d+$/, '')
}

/** Whether the checks of the image refuse this version. */
const isOld = (version: string) => {
  const [, , build = 0] = version.split('.').map(Number)
  return build < 5068
}
