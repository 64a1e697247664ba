import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFile, chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { WORLD } from '#sandbox/world.ts'
import type { SandboxNotes } from '../support/bastion-sandbox.ts'
import { type BootedTree, bootTree } from '../support/booted-tree.ts'
import { eventually } from '../support/eventually.ts'
import { describeImage, type FinishedTree, finishedTree, root } from '../support/image-tree.ts'
import type { StoredLogEvent } from '../support/log-group.ts'
import { execEvent, type MadeEvent } from '../unit/audit/log-lines.ts'

/**
 * The audit's log on its way from a booted tree, as on a bastion: the unit as it is, an account of its own, the firewall,
 * credentials of the instance's metadata, and the service by its name at an address behind a NAT. The kernel of a
 * container tells no audit: the test writes its lines in the daemon's place, as the daemon owns its files.
 */

const GROUP = `/pgctl/${WORLD.workspace}/audit`
const MACHINE = WORLD.bastion.instanceId
const SERVICE = `logs.${WORLD.region}.amazonaws.com`
const UNIT = 'pgctl-audit-stream.service'
/** Where it is behind a NAT: outside all networks of the installation. */
const ADDRESS = '203.0.113.9'
/** Of the group adm, everywhere in Debian. */
const ADM = 4

describeImage(['systemd-nspawn', 'dnsmasq'], "the audit's log of a booted tree", { timeout: 300_000 }, () => {
  let tree: FinishedTree
  let bastion: BootedTree
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-notes-'))
    tree = await finishedTree()
    const { workspace, account, region } = WORLD
    bastion = await bootTree(tree.root, {
      userData: {
        ...{ pgctl: 1, installation: { name: 'acme', workspace, account, region } },
        // As the stack of the bastion says it where a NAT leads out.
        network: { reach: [{ to: '0.0.0.0/0', port: 443 }] },
        audit: { logGroup: GROUP },
      },
      metadata: { '/latest/meta-data/instance-id': MACHINE },
      names: { [SERVICE]: ADDRESS },
    })
  })
  after(async () => {
    await bastion?.[Symbol.asyncDispose]()
    await tree?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const stdout = async (...words: string[]) => (await bastion.run(words)).stdout.trim()
  const journal = () => stdout('journalctl', `--unit=${UNIT}`, '--output=cat')
  const now = () => (Date.now() / 1_000).toFixed(3)
  const write = async ({ lines }: MadeEvent) => {
    const log = join(tree.root, 'var/log/audit/audit.log')
    await appendFile(log, lines.map((line) => `${line}\n`).join(''))
    await chown(log, 0, ADM)
    await chmod(log, 0o640)
  }
  /** Runs a script of the tests in the network around the bastion; resolves with what it has printed. */
  const outside = async (script: string, ...words: string[]): Promise<string> => {
    const settings = ['env', `NODE_EXTRA_CA_CERTS=${join(folder, 'authority.pem')}`]
    const child = bastion.outside([...settings, process.execPath, join(root, script), ...words])
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        said[name] += text
      })
    const [status] = await once(child, 'close')
    assert.equal(status, 0, said.stderr)
    return said.stdout
  }
  const stored = async () =>
    JSON.parse(
      await outside('test/support/log-group.ts', join(folder, 'notes.json'), 'read', GROUP),
    ) as StoredLogEvent[]
  const events: MadeEvent[] = []
  const happens = async (program: string) => {
    const event = execEvent(now(), events.length, program)
    events.push(event)
    await write(event)
  }
  const arrived = () => events.map(({ lines }) => ({ stream: MACHINE, message: lines.join('\n') }))

  it('waits where nothing answers yet: the unit runs, and nothing of the machine has failed', async () => {
    await happens('ls')
    assert.equal(await stdout('systemctl', 'is-active', UNIT), 'active', await journal())
    await eventually(async () => (await journal()).includes('it does not go on, and tries again'), 60_000)
    assert.equal(await stdout('systemctl', 'is-system-running'), 'running')
  })

  it('is read by its group alone, by an account of its own', async () => {
    const pid = await stdout('systemctl', 'show', '--property=MainPID', '--value', UNIT)
    const status = await stdout('cat', `/proc/${pid}/status`)
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1])
    assert.ok(uid >= 61_184 && uid <= 65_519, status)
    assert.match(status, new RegExp(`^Groups:.*\\b${ADM}\\b`, 'm'))
    assert.match(status, /^CapEff:\t0+$/m)
    const others = await bastion.run(['cat', '/var/log/audit/audit.log'], { user: 'ssm-user' })
    assert.equal(others.status, 1)
    assert.match(others.stderr, /Permission denied/)
  })

  it('arrives in the log group by the way that the firewall leaves open, with the role of the instance', async () => {
    const file = join(folder, 'notes.json')
    const sandbox = bastion.outside([
      ...[process.execPath, join(root, 'test/support/bastion-sandbox.ts'), file, '{}', SERVICE],
    ])
    await once(sandbox.stdout as NodeJS.ReadableStream, 'data')
    const notes = JSON.parse(await readFile(file, 'utf8')) as SandboxNotes
    await leadToTheService(notes)
    await writeFile(join(folder, 'authority.pem'), notes.authority)
    await outside('test/support/log-group.ts', file, 'make', GROUP)
    await trust(notes)
    await bastion.tell({
      '/latest/meta-data/iam/security-credentials/the-role-of-the-instance': roleDocument(notes),
    })
    await eventually(async () => (await stored()).length > 0, 90_000).catch(async (error) => {
      throw new Error(await journal(), { cause: error })
    })
    assert.deepEqual(await stored(), arrived())
    await happens('id')
    await eventually(async () => (await stored()).length > 1)
    assert.deepEqual(await stored(), arrived())
    const place = await stdout('stat', '--format=%a', '/var/lib/private/pgctl-audit-stream/place.json')
    assert.equal(place, '600')
    // Who reports for the machine reads it there.
    assert.equal(await stdout('stat', '--format=%a', '/run/pgctl-audit-stream/status.json'), '644')
    await eventually(async () =>
      /"oldest":null/.test(await stdout('cat', '/run/pgctl-audit-stream/status.json')),
    )
  })

  it('leaves the machine as it ought to be', async () => {
    // The agent is not in the tree, as its host cannot be reached from where tests run.
    const skipped = ['agent-version', 'agent-starts'].flatMap((id) => ['--skip', id])
    const ran = await bastion.run(['pgctl', 'image', 'verify', ...skipped])
    assert.equal(ran.status, 0, ran.stdout)
  })

  it('takes with it what is at hand when the machine is stopped', async () => {
    await happens('poweroff')
    assert.equal((await bastion.run(['systemctl', 'stop', UNIT])).status, 0)
    assert.equal(await stdout('systemctl', 'show', '--property=Result', '--value', UNIT), 'success')
    assert.deepEqual(await stored(), arrived())
  })

  /** The service's port of the address that its name has, as an endpoint in the network. */
  async function leadToTheService({ endpoint }: SandboxNotes): Promise<void> {
    const relay = `
      const net = require('node:net')
      net.createServer((near) => {
        const far = net.connect(${new URL(endpoint).port}, '127.0.0.1')
        near.pipe(far).pipe(near)
        for (const side of [near, far]) side.on('error', () => {})
      }).listen(443, '${ADDRESS}', () => console.log('leads'))`
    const child = bastion.outside([process.execPath, '-e', relay])
    await once(child.stdout as NodeJS.ReadableStream, 'data')
  }

  /** The certificate of the sandbox is signed by an authority that the image does not know. */
  async function trust({ authority }: SandboxNotes): Promise<void> {
    await writeFile(join(tree.root, 'var/cache/authority.pem'), authority, { mode: 0o644 })
    const drop = '[Service]\\nEnvironment=AWS_CA_BUNDLE=/var/cache/authority.pem\\n'
    const to = `/run/systemd/system/${UNIT}.d`
    await stdout(
      'sh',
      '-c',
      `mkdir -p ${to} && printf '${drop}' > ${to}/test.conf && systemctl daemon-reload`,
    )
    assert.equal((await bastion.run(['systemctl', 'restart', UNIT])).status, 0)
  }
})

/** As the metadata gives the credentials of a role. */
function roleDocument({ agent }: SandboxNotes): string {
  return JSON.stringify({
    ...{ Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString() },
    ...{ AccessKeyId: agent.accessKeyId, SecretAccessKey: agent.secretAccessKey, Token: '' },
    Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
  })
}
