import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PeerProcess } from './peer-process.ts'
import { programOf } from './peers.ts'

/**
 * What an AMI is built on, as far as one can be had without a cloud: this computer's programs behind an sshd, a user
 * who may become root, and a second disk. It lets in whom a key pair of the cloud belongs to, as an instance does.
 */
export interface ThrowawayInstance extends AsyncDisposable {
  /** The disk that is /dev/xvdf there, as this computer knows it. */
  readonly disk: string
}

export interface InstanceOptions {
  /** The process whose network it is in. */
  readonly network: number
  /** Where the cloud is asked for public keys, in that network. */
  readonly endpoint: string
  /** What `sudo` sets there. */
  readonly environment: Readonly<Record<string, string>>
}

const run = promisify(execFile)
const script = fileURLToPath(new URL('throwaway-instance.sh', import.meta.url))
const USER = { name: 'admin', id: 4242 }
const DISK_BYTES = 4 * 1024 ** 3

export async function startInstance(options: InstanceOptions): Promise<ThrowawayInstance> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-instance-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  await furnish(folder, options)
  await run('truncate', ['--size', String(DISK_BYTES), join(folder, 'disk')])
  const { stdout } = await run('losetup', ['--find', '--show', '--partscan', join(folder, 'disk')])
  const disk = stdout.trim()
  parts.defer(async () => void (await run('losetup', ['--detach', disk])))
  const isolated = ['unshare', '--mount', '--pid', '--fork', '--kill-child']
  const words = ['--target', String(options.network), '--net', ...isolated, script, folder, disk]
  const environment = { PATH: process.env['PATH'] ?? '' }
  const sshd = parts.use(new PeerProcess('nsenter', words, { environment, timeoutMs: 20 * 60_000 }))
  await sshd.says(/Server listening on/)
  const running = parts.move()
  return { disk, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function furnish(folder: string, { endpoint, environment }: InstanceOptions): Promise<void> {
  const put = (name: string, text: string, mode = 0o644) => writeFile(join(folder, name), text, { mode })
  const { name, id } = USER
  await put(
    'passwd',
    `${await readFile('/etc/passwd', 'utf8')}${name}:x:${id}:${id}::/home/${name}:/bin/bash\n`,
  )
  await put('group', `${await readFile('/etc/group', 'utf8')}${name}:x:${id}:\n`)
  await put('shadow', `${await readFile('/etc/shadow', 'utf8')}${name}:*:19000::::::\n`, 0o640)
  for (const temporary of ['tmp', 'var-tmp']) {
    await mkdir(join(folder, temporary))
    await chmod(join(folder, temporary), 0o1777)
  }
  await mkdir(join(folder, 'sudoers.d'))
  const settings = Object.entries(environment).map(([key, value]) => `${key}="${value}"\n`)
  await put('environment', settings.join(''))
  const rights = [`${name} ALL=(ALL) NOPASSWD: ALL`, 'Defaults env_file=/mnt/instance/environment', '']
  await put('sudoers.d/instance', rights.join('\n'), 0o440)
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'host_key')])
  const scope = 'none/20260101/eu-central-1/ec2/aws4_request'
  const asked = `Action=DescribeKeyPairs&Version=2016-11-15&IncludePublicKey=true`
  const keys = [
    '#!/bin/sh',
    `${programOf('curl')} -fsS -H 'authorization: AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0' \\`,
    `  -d '${asked}' ${endpoint}/ | grep -o '<publicKey>[^<]*' | cut -d '>' -f 2`,
    '',
  ]
  await put('keys', keys.join('\n'))
  await chmod(join(folder, 'keys'), 0o755)
  const configuration = [
    ...['Port 22', 'ListenAddress 0.0.0.0', 'HostKey /mnt/instance/host_key', 'PidFile none', 'UsePAM no'],
    ...[
      'AuthorizedKeysFile none',
      'AuthorizedKeysCommand /mnt/instance/keys',
      'AuthorizedKeysCommandUser root',
    ],
    ...[`AllowUsers ${name}`, 'Subsystem sftp internal-sftp', ''],
  ]
  await put('sshd_config', configuration.join('\n'))
  await mkdir('/run/sshd', { recursive: true })
}
