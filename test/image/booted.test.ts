import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import { ACME } from '#sandbox/worlds/acme.ts'
import { databaseHost } from '#sandbox/worlds/datastores.ts'
import type { SandboxNotes } from '../support/bastion-sandbox.ts'
import { type BootedTree, bootTree, SOURCE } from '../support/booted-tree.ts'
import { eventually } from '../support/eventually.ts'
import { FarOperator } from '../support/far-operator.ts'
import { describeImage, type FinishedTree, finishedTree, root } from '../support/image-tree.ts'

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

  it('asks for the license as a user without an account, which is no failure of pgctl', async () => {
    const journal = ['journalctl', '--unit=pgctl-license-verify.service', '--output=cat']
    await eventually(async () => /credentials/.test((await bastion.run(journal)).stdout), 30_000)
    assert.doesNotMatch((await bastion.run(journal)).stdout, /unexpected failure/)
  })

  it('is up where neither its cluster nor an endpoint is there yet, and what speaks with them has not failed', async () => {
    assert.equal((await bastion.run(['getent', 'hosts', WORLD.cluster.host])).stdout, '')
    assert.equal(await stdout('systemctl', 'is-active', 'multi-user.target'), 'active\n')
    const waited = await stdout('systemctl', 'show', '-pAfter', 'multi-user.target')
    assert.doesNotMatch(waited, /pgctl-(license-verify|bastion-report)\.service/)
    await stdout('systemctl', 'start', 'pgctl-bastion-report.service')
    const told = await stdout('systemctl', 'show', '-pResult', '-pExecMainStatus', 'pgctl-bastion-report')
    const { Result, ExecMainStatus } = Object.fromEntries(
      told
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    ) as Record<string, string>
    assert.equal(Result, 'success')
    assert.equal(ExecMainStatus, '7', 'it was run, and says that there is no way')
    const stays = await bastion.run(['test', '-e', '/run/pgctl/motd.json'])
    assert.notEqual(stays.status, 0, 'it has found out nothing, and says so')
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
    const { stdout: said, stderr } = await bastion.run(words, { user: 'ssm-user' })
    assert.match(said, /acme: paragon-acme-5d1f0c2e in 111122223333, eu-central-1/, stderr)
    assert.match(said, /pgctl \d+\.\d+\.\d+, .*kubectl 1\./)
    assert.match(said, /no rights in the cluster: come in by pgctl login/)
    assert.match(said, /^<>$/m)
    assert.match(said, /paragon-acme-5d1f0c2e/)
    const logs = await bastion.run(['pgctl', 'logs', 'hermes'], { user: 'ssm-user' })
    assert.equal(logs.status, 4, logs.stderr)
    assert.match(logs.stderr, /this shell has no operator whose rights it could use/)
  })

  it('carries no audit log away where no log group is named', async () => {
    const { stdout: state } = await bastion.run(['systemctl', 'is-active', 'pgctl-audit-stream.service'])
    assert.equal(state.trim(), 'inactive')
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
    const refused = await bastion.run(ask, { user: 'ssm-user' })
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
      const { status, stdout: said } = await bastion.run(words, { user: 'ssm-user' })
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
      // As the vendor's agent does it: the sessions are those of an account without rights.
      const unit = ['systemd-run', '--quiet', '--unit=agent', '--uid=ssm-user', '--working-directory=/tmp']
      assert.equal((await bastion.run([...unit, '/usr/lib/pgctl/node', ...agent])).status, 0)
      const journal = ['journalctl', '--unit=agent', '--output=cat']
      await eventually(async () => (await bastion.run(journal)).stdout.includes('connected'))
      await operate(JSON.parse(text) as SandboxNotes)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  /** The own names and ports of cluster and database lead to the sandbox's, as a network's routes do it in a cloud. */
  async function leadToTheInstallation({ world, datastores }: SandboxNotes): Promise<void> {
    const database = databaseHost(ACME, ACME.databases[0])
    await writeFile(join(tree.root, 'etc/hosts'), `127.0.0.1 localhost ${WORLD.cluster.host} ${database}\n`)
    const near = new Map(datastores).get(database)
    assert.ok(near !== undefined)
    const ways = [`127.0.0.1:443=${world.kubernetes}`, `127.0.0.1:${near.port}=${near.loopbackPort}`]
    const child = bastion.inNetwork([process.execPath, join(root, 'test/support/relay.ts'), ...ways])
    await once(child.stdout as Readable, 'data')
  }

  /** What an operator does, on this computer, in the network of the container. */
  async function operate(notes: SandboxNotes): Promise<void> {
    await using operator = await FarOperator.arrive(notes, bastion.networkWords([]))
    const pgctl = async (...words: string[]) => {
      const ran = await operator.run(...words)
      assert.equal(ran.status, 0, ran.stderr)
      return ran.stdout
    }
    // It is the tree that answers, and not this computer: its release, its account, its files.
    const where = await pgctl('exec', '--', 'sh', '-c', '. /etc/os-release; echo $VERSION_CODENAME; id -un')
    assert.equal(where, 'trixie\nssm-user\n')
    assert.match(await pgctl('exec', '--', 'cat', '/etc/pgctl/installation.yaml'), /paragon-acme-5d1f0c2e/)

    await leadToTheInstallation(notes)
    await writeFile(join(tree.root, 'var/tmp-authority.pem'), notes.authority)
    await using person = operator.at('login')
    await eventually(() => person.written.includes('$ '))
    // As the session preferences have it done by the vendor's agent.
    person.type('exec bash -l\n')
    await eventually(() => person.written.includes('acme: paragon-acme-5d1f0c2e in 111122223333'))
    // With the operator's rights, and no session but the one that they sit in.
    const asks = [
      ...['kubectl config current-context', 'kubectl get pods -o name', 'pgctl logs hermes --tail 2'],
      `pgctl psql -- -Atc 'select 6 * 7'`,
      `PGCTL_CA=/var/tmp-authority.pem pgctl psql -- -Atc "select 'six times ' || 7"`,
    ]
    person.type(`{ ${asks.join('; ')}; } > /var/tmp/said 2>&1; exit\n`)
    assert.equal((await person.exit).exitCode, 0)
    const said = await stdout('cat', '/var/tmp/said')
    assert.match(said, /^pgctl-acme$/m)
    assert.match(said, /^pod\/hermes-/m)
    assert.match(said, /^hermes-\S+ /m)
    // Without a flag the authorities of RDS count that are in the image, and the sandbox's is none of them.
    assert.match(said, /trusted are the authorities of RDS in eu-central-1, as pgctl carries them/)
    assert.doesNotMatch(said, /^42$/m)
    assert.match(said, /^six times 7$/m)
    assert.doesNotMatch(person.written, /k8s-aws-v1|7461/)

    assert.match(await pgctl('logs', 'hermes', '--tail', '2'), /hermes/)
    const page = await operator.through(['grafana'], ({ port }) =>
      bastion.run(['curl', '--silent', `http://127.0.0.1:${port}/api/health`]),
    )
    assert.match(page.stdout, /"database"/)
  }
})
