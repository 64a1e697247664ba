import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { after, before, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from '../support/bastion-sandbox.ts'
import { type BootedTree, bootTree, SOURCE } from '../support/booted-tree.ts'
import { eventually } from '../support/eventually.ts'
import { describeImage, type FinishedTree, finishedTree, root } from '../support/image-tree.ts'
import { PtyPerson } from '../support/pty-person.ts'
import { cliEntry } from '../support/sandbox-cli.ts'

/** The tree when systemd has booted it, with the metadata of an instance at its own address. */

const USER_DATA = {
  pgctl: 1,
  installation: {
    name: 'acme',
    workspace: 'paragon-acme-5d1f0c2e',
    account: '111122223333',
    region: 'eu-central-1',
    namespace: 'paragon',
  },
  network: { reach: [{ to: '10.30.0.9/32', port: 5432 }] },
}
/** The agent is not in the tree, as its host cannot be reached from where tests run. */
const SKIPPED = ['agent-version', 'agent-starts']

describeImage(['systemd-nspawn', 'dnsmasq'], 'the image, booted', { timeout: 600_000 }, () => {
  let tree: FinishedTree
  let bastion: BootedTree

  before(async () => {
    tree = await finishedTree()
    bastion = await bootTree(tree.root, { userData: USER_DATA })
  })
  after(async () => {
    await bastion?.[Symbol.asyncDispose]()
    await tree?.[Symbol.asyncDispose]()
  })

  const stdout = async (...words: string[]) => {
    const ran = await bastion.run(words)
    assert.equal(ran.status, 0, ran.stderr + ran.stdout)
    return ran.stdout
  }
  const verify = async (...more: string[]) => {
    const ran = await bastion.run(['pgctl', 'image', 'verify', '--json', ...more])
    const { checks } = JSON.parse(ran.stdout) as {
      checks: { id: string; passed: boolean; found: string[] }[]
    }
    return { status: ran.status, checks, failed: checks.filter(({ passed }) => !passed) }
  }

  it('runs, and no unit has failed', async () => {
    const { stdout: failed } = await bastion.run([
      'systemctl',
      'list-units',
      '--failed',
      '--plain',
      '--no-legend',
    ])
    assert.equal(failed, '')
    const { stdout: state } = await bastion.run(['systemctl', 'is-system-running'])
    assert.equal(state.trim(), 'running')
  })

  it('verifies itself, with the pgctl that is in it', async () => {
    const { status, checks, failed } = await verify(...SKIPPED.flatMap((id) => ['--skip', id]))
    assert.deepEqual(failed, [])
    assert.equal(status, 0)
    for (const id of ['no-listener', 'nothing-has-failed', 'sealed'])
      assert.ok(
        checks.some((check) => check.id === id),
        id,
      )
  })

  it('holds the programs that the lock names', async () => {
    const lock = JSON.parse(await readFile(join(root, 'packer/tools.lock.json'), 'utf8')) as {
      tools: { name: string; version: string }[]
    }
    const version = (name: string) => lock.tools.find((tool) => tool.name === name)?.version ?? ''
    assert.ok((await stdout('kubectl', 'version', '--client')).includes(`v${version('kubectl')}`))
    assert.ok((await stdout('helm', 'version', '--short')).includes(`v${version('helm')}`))
    assert.equal(await stdout('/usr/lib/pgctl/node', '--version'), `v${version('node')}\n`)
    assert.match(await stdout('psql', '--version'), /PostgreSQL\) 17/)
    assert.match(await stdout('redis-cli', '--help').catch(() => ''), /--tls/)
    assert.match(await stdout('pgctl', '--version'), /^pgctl\/\d/)
  })

  it('knows its installation, which its launch template has told', async () => {
    assert.deepEqual(JSON.parse(await stdout('cat', '/etc/pgctl/installation.yaml')), USER_DATA)
    assert.equal(await stdout('stat', '--format=%U %a', '/etc/pgctl/installation.yaml'), 'root 644\n')
    const { installations } = JSON.parse(await stdout('cat', '/etc/pgctl/config.yaml'))
    assert.deepEqual(Object.keys(installations), ['acme'])
  })

  it('says to whoever logs in where they are, and that nobody has brought rights in the cluster', async () => {
    const words = ['bash', '-l', '-i', '-c', 'echo "<$KUBECONFIG>"; pgctl config']
    const { stdout: said, stderr } = await bastion.run(words, { user: 'bastion' })
    assert.match(said, /acme: paragon-acme-5d1f0c2e in 111122223333, eu-central-1/, stderr)
    assert.match(said, /pgctl \d+\.\d+\.\d+, .*kubectl 1\./)
    assert.match(said, /no rights in the cluster: come in by pgctl login/)
    assert.match(said, /^<>$/m)
    assert.match(said, /paragon-acme-5d1f0c2e/)
    const logs = await bastion.run(['pgctl', 'logs', 'hermes'], { user: 'bastion' })
    assert.equal(logs.status, 4, logs.stderr)
    assert.match(logs.stderr, /this shell has no operator whose rights it could use/)
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
    assert.equal((await bastion.run(ask)).stdout, 'a-token-of-the-test')
    const refused = await bastion.run(ask, { user: 'bastion' })
    // 7: no connection; at once, and not by a time-out, which is 28.
    assert.deepEqual([refused.status, refused.stdout], [7, ''])
  })

  it('lets out what the installation needs, and refuses the rest at once', async () => {
    const connect = async (address: string) => {
      const words = [
        'timeout',
        '10',
        'bash',
        '-c',
        `exec 3<>/dev/tcp/${address.replace(':', '/')} && cat <&3`,
      ]
      const { status, stdout: said } = await bastion.run(words, { user: 'bastion' })
      return status === 0 ? said.trim() : status
    }
    assert.equal(await connect('10.20.0.9:443'), 'here', 'its own network, at a port of an endpoint')
    assert.equal(await connect('cluster.example:443'), 'here', 'the same, by a name')
    assert.equal(await connect('10.30.0.9:5432'), 'here', 'what the description names')
    // Refused (1), and not waited for in vain (124).
    assert.equal(await connect('10.20.0.9:22'), 1, 'its own network, at another port')
    assert.equal(await connect('10.30.0.9:443'), 1, 'what the description names, at another port')
    assert.equal(await connect('10.40.0.9:443'), 1, 'another network')
  })

  it('does not pass with a port that listens', async () => {
    const listener = `require('net').createServer().listen(8022, '0.0.0.0', () => console.log('listens'))`
    const child = bastion.inNetwork([process.execPath, '-e', listener])
    try {
      await once(child.stdout as NodeJS.ReadableStream, 'data')
      const { status, failed } = await verify('--only', 'no-listener')
      assert.deepEqual(failed[0]?.found, ['tcp 0.0.0.0 port 8022'])
      assert.equal(status, 5)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('does not pass with a unit that has failed', async () => {
    await bastion.run(['systemd-run', '--quiet', '--unit=broken', '--wait', '/bin/false'])
    const { failed } = await verify('--only', 'nothing-has-failed')
    assert.deepEqual(failed[0]?.found, ['broken.service has failed'])
    await bastion.run(['systemctl', 'reset-failed'])
  })

  it('does not pass with a full disk', async () => {
    const checks = join(tree.root, 'mnt-checks.yaml')
    const text = await readFile(join(root, 'packer/checks.yaml'), 'utf8')
    // The memory of /tmp is filled, which is as full as a disk can be.
    await writeFile(checks, text.replace('diskFree: { path: /,', 'diskFree: { path: /tmp,'))
    const only = ['--checks', '/mnt-checks.yaml', '--only', 'disk-has-room']
    assert.deepEqual((await verify(...only)).failed, [])
    await bastion.run(['dd', 'if=/dev/zero', 'of=/tmp/filler', 'bs=1M'])
    assert.match((await verify(...only)).failed[0]?.found[0] ?? '', /^\/tmp has 0 MiB left$/)
    await bastion.run(['rm', '/tmp/filler'])
    await rm(checks)
  })

  it('is logged in to, tunnelled through and read logs through, by an agent that runs on it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pgctl-notes-'))
    try {
      const file = join(folder, 'notes.json')
      const sandbox = bastion.inNetwork([
        process.execPath,
        join(root, 'test/support/bastion-sandbox.ts'),
        file,
      ])
      await once(sandbox.stdout as NodeJS.ReadableStream, 'data')
      const text = await readFile(file, 'utf8')
      await writeFile(join(tree.root, 'var/tmp-notes.json'), text)
      const agent = [`${SOURCE}/test/support/bastion-agent.ts`, '/var/tmp-notes.json']
      // As the vendor's agent with Run As: the sessions are those of an account without rights.
      const unit = ['systemd-run', '--quiet', '--unit=agent', '--uid=bastion', '--working-directory=/tmp']
      assert.equal((await bastion.run([...unit, '/usr/lib/pgctl/node', ...agent])).status, 0)
      const journal = ['journalctl', '--unit=agent', '--output=cat']
      await eventually(async () => (await bastion.run(journal)).stdout.includes('connected'))
      await operate(JSON.parse(text) as SandboxNotes, folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  /** The cluster's own name and port lead to the sandbox's, as the network's routes do it in a cloud. */
  async function leadToTheCluster(notes: SandboxNotes): Promise<void> {
    await writeFile(join(tree.root, 'etc/hosts'), `127.0.0.1 localhost ${WORLD.cluster.host}\n`)
    const relay = `
      const net = require('node:net')
      net.createServer((near) => {
        const far = net.connect(${notes.world.kubernetes}, '127.0.0.1')
        near.pipe(far).pipe(near)
        for (const side of [near, far]) side.on('error', () => {})
      }).listen(443, '127.0.0.1', () => console.log('leads'))`
    const child = bastion.inNetwork([process.execPath, '-e', relay])
    await once(child.stdout as NodeJS.ReadableStream, 'data')
  }

  /** What an operator does, on this computer, in the network of the container. */
  async function operate(notes: SandboxNotes, folder: string): Promise<void> {
    await writeFile(join(folder, 'authority.pem'), notes.authority)
    await writeFile(join(folder, 'config.yaml'), CONFIG)
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      AWS_ENDPOINT_URL: notes.endpoint,
      AWS_REGION: WORLD.region,
      AWS_ACCESS_KEY_ID: notes.operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: notes.operator.secretAccessKey,
      AWS_CA_BUNDLE: join(folder, 'authority.pem'),
      PGCTL_CONFIG: join(folder, 'config.yaml'),
    }
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    const clean = ['env', '-i', ...settings, process.execPath, cliEntry]
    const start = (...words: string[]) => bastion.inNetwork([...clean, ...words])
    const pgctl = async (...words: string[]) => {
      const child = start(...words)
      const said = { stdout: '', stderr: '' }
      for (const name of ['stdout', 'stderr'] as const)
        child[name]?.setEncoding('utf8').on('data', (part: string) => {
          said[name] += part
        })
      const [status] = await once(child, 'close')
      assert.equal(status, 0, said.stderr)
      return said.stdout
    }
    // It is the tree that answers, and not this computer: its release, its account, its files.
    const where = await pgctl('exec', '--', 'sh', '-c', '. /etc/os-release; echo $VERSION_CODENAME; id -un')
    assert.equal(where, 'trixie\nbastion\n')
    assert.match(await pgctl('exec', '--', 'cat', '/etc/pgctl/installation.yaml'), /paragon-acme-5d1f0c2e/)

    await leadToTheCluster(notes)
    const [program = '', ...words] = bastion.networkWords([...clean, 'login'])
    await using person = new PtyPerson(program, words, {
      environment: { TERM: 'xterm-256color' },
      cwd: folder,
    })
    await eventually(() => person.written.includes('$ '))
    // As the session preferences have it done by the vendor's agent.
    person.type('exec bash -l\n')
    await eventually(() => person.written.includes('acme: paragon-acme-5d1f0c2e in 111122223333'))
    // With the operator's rights, and no session but the one that they sit in.
    const asks = ['kubectl config current-context', 'kubectl get pods -o name', 'pgctl logs hermes --tail 2']
    person.type(`{ ${asks.join('; ')}; } > /var/tmp/said 2>&1; exit\n`)
    assert.equal((await person.exit).exitCode, 0)
    const said = await stdout('cat', '/var/tmp/said')
    assert.match(said, /^pgctl-acme$/m)
    assert.match(said, /^pod\/hermes-/m)
    assert.match(said, /^hermes-\S+ /m)
    assert.doesNotMatch(person.written, /k8s-aws-v1|7461/)

    assert.match(await pgctl('logs', 'hermes', '--tail', '2'), /hermes/)

    const tunnel = start('tunnel', 'grafana', '--json', '--port', '0')
    for await (const line of createInterface({ input: tunnel.stdout as Readable })) {
      const event = JSON.parse(line) as { event: string; port?: number; url?: string }
      if (event.event !== 'ready') continue
      const { stdout: page } = await bastion.run(['curl', '--silent', `${event.url}/api/health`])
      assert.match(page, /"database"/)
      tunnel.kill('SIGINT')
    }
  }
})

const CONFIG = `installations:
  acme:
    workspace: ${WORLD.workspace}
    account: '${WORLD.account}'
    region: ${WORLD.region}
`
