import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../support/eventually.ts'
import { freePorts } from '../support/free-port.ts'
import { describeWith, programOf } from '../support/peers.ts'
import { cliEntry, type SandboxCli, startSandboxCli } from '../support/sandbox-cli.ts'
import { sha256Of } from '../support/sha256.ts'

/** OpenSSH, rsync and git through `pgctl ssh-proxy`, to a real sshd that stands for the bastion's. */

const TIMEOUT = { timeout: 60_000 }
const run = promisify(execFile)

/** A server that lets people in is root's. */
const describeSsh: typeof describeWith =
  process.getuid?.() === 0
    ? describeWith
    : (_peers, name) => describe(name, () => it('needs root', (test) => test.skip('sshd needs root')))

describeSsh(['sshd', 'ssh', 'rsync', 'git'], 'ssh through a session', { timeout: 240_000 }, () => {
  let cli: SandboxCli
  let sshd: ChildProcess
  let folder: string
  let environment: Record<string, string>
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pgctl-ssh-'))
    const [port = 0] = await freePorts(1)
    sshd = await startSshd(folder, port)
    cli = await startSandboxCli({ bastionPorts: new Map([[22, port]]) })
    // The entry that the configuration names is this one, as if it had been installed.
    const { stdout } = await cli.run(['ssh-proxy', '--config', '--user', 'root'])
    assert.ok(stdout.includes(cliEntry))
    const config = join(folder, 'config')
    writeFileSync(
      config,
      `${stdout}\n  IdentityFile ${join(folder, 'key')}\n  IdentitiesOnly yes\n  BatchMode yes\n`,
    )
    environment = { ...cli.environment, GIT_SSH_COMMAND: `${programOf('ssh')} -F ${config}`, HOME: folder }
  })
  after(async () => {
    sshd?.kill()
    await cli?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const ssh = (...words: string[]) =>
    run(programOf('ssh'), ['-F', join(folder, 'config'), 'acme.pgctl', ...words], { env: environment })
  const openSessions = () => cli.sandbox.cloud.gateway.statistics().sessionsOpen

  it('runs a command, and gives its status', TIMEOUT, async () => {
    const { stdout, stderr } = await ssh('echo there; id -u')
    assert.equal(stdout, 'there\n0\n', stderr)
    await assert.rejects(ssh('exit 3'), (error: { code?: number }) => error.code === 3)
    await eventually(() => openSessions() === 0)
  })

  it('knows the key of the host without asking, and refuses another', TIMEOUT, async () => {
    const { stderr } = await ssh('true')
    assert.doesNotMatch(stderr, /authenticity|Permanently added/)
    const other = join(folder, 'wrong-config')
    const config = readFileSync(join(folder, 'config'), 'utf8')
    const wrong = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    writeFileSync(join(folder, 'hosts'), `acme.pgctl ${wrong}\n`)
    writeFileSync(
      other,
      config
        .replace(/KnownHostsCommand .*/, '')
        .replace('UserKnownHostsFile none', `UserKnownHostsFile ${join(folder, 'hosts')}`),
    )
    await assert.rejects(
      run(programOf('ssh'), ['-F', other, 'acme.pgctl', 'true'], { env: environment }),
      /host key|HOST IDENTIFICATION/i,
    )
  })

  it('carries scp both ways, byte for byte', TIMEOUT, async () => {
    const source = join(folder, 'source.bin')
    writeFileSync(source, randomBytes(3 * 1024 * 1024))
    const scp = (from: string, to: string) =>
      run('scp', ['-F', join(folder, 'config'), from, to], { env: environment })
    await scp(source, `acme.pgctl:${join(folder, 'there.bin')}`)
    await scp(`acme.pgctl:${join(folder, 'there.bin')}`, join(folder, 'back.bin'))
    assert.equal(sha256Of(readFileSync(join(folder, 'back.bin'))), sha256Of(readFileSync(source)))
  })

  it('carries rsync', TIMEOUT, async () => {
    mkdirSync(join(folder, 'tree', 'deep'), { recursive: true })
    for (let file = 0; file < 50; file++)
      writeFileSync(join(folder, 'tree', 'deep', `f${file}`), randomBytes(5_000))
    await run(
      programOf('rsync'),
      ['-a', '-e', environment['GIT_SSH_COMMAND'] ?? '', `${folder}/tree/`, `acme.pgctl:${folder}/synced/`],
      { env: environment },
    )
    execFileSync('diff', ['-r', join(folder, 'tree'), join(folder, 'synced')])
  })

  it('carries git clone', TIMEOUT, async () => {
    const repository = join(folder, 'repository')
    const git = (...words: string[]) =>
      run(programOf('git'), ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], {
        env: environment,
      })
    await git('init', '-q', repository)
    writeFileSync(join(repository, 'file'), 'content\n')
    await git('-C', repository, 'add', '.')
    await git('-C', repository, 'commit', '-qm', 'one')
    await git('clone', '-q', `acme.pgctl:${repository}`, join(folder, 'clone'))
    assert.equal(readFileSync(join(folder, 'clone', 'file'), 'utf8'), 'content\n')
  })

  for (const document of ['forward', 'ssh'])
    it(`works by the document of ${document}`, TIMEOUT, async () => {
      const { stdout } = await run(
        programOf('ssh'),
        [
          ...[
            '-F',
            'none',
            '-i',
            join(folder, 'key'),
            '-o',
            'BatchMode=yes',
            '-o',
            'StrictHostKeyChecking=no',
          ],
          ...['-o', `UserKnownHostsFile=${join(folder, 'any')}`],
          ...[
            '-o',
            `ProxyCommand=${process.execPath} ${cliEntry} ssh-proxy %h --port %p --document ${document}`,
          ],
          'root@i-0a1b2c3d4e5f60718',
          'head -c 200000 /dev/zero | wc -c',
        ],
        { env: environment },
      )
      assert.equal(stdout.trim(), '200000')
    })

  it('says what is wrong where nothing listens', TIMEOUT, async () => {
    const { status, stdout, stderr } = await cli.run(['ssh-proxy', '--port', '2222'])
    assert.equal(status, 7)
    assert.equal(stdout, '')
    assert.match(stderr, /nothing answers on port 2222/)
    assert.equal(openSessions(), 0)
  })
})

async function startSshd(folder: string, port: number): Promise<ChildProcess> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  mkdirSync('/run/sshd', { recursive: true })
  // The keys that the bastion shows are the system's own.
  const hostKey = '/etc/ssh/ssh_host_ed25519_key'
  assert.ok(existsSync(hostKey), 'openssh-server makes the keys of the host when it is installed')
  const options = [
    'ListenAddress=127.0.0.1',
    `AuthorizedKeysFile=${join(folder, 'key.pub')}`,
    ...['StrictModes=no', 'UsePAM=no', 'PidFile=none', 'PermitRootLogin=yes', 'Subsystem=sftp internal-sftp'],
  ]
  const child = spawn(
    programOf('sshd'),
    [
      '-D',
      '-e',
      '-f',
      '/dev/null',
      '-p',
      String(port),
      '-h',
      hostKey,
      ...options.flatMap((each) => ['-o', each]),
    ],
    { stdio: 'ignore' },
  )
  await eventually(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', () => resolve(false))
      }),
  )
  return child
}
