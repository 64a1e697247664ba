import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startChild } from './children.ts'

const SSHD = '/usr/sbin/sshd'
const HOST_KEY = '/etc/ssh/ssh_host_ed25519_key'

/** An sshd of this computer on the loopback, whose only user is this one's, and an ssh_config beside its key. */
export interface SshdProcess extends AsyncDisposable {
  readonly folder: string
  readonly port: number
  /** Writes the configuration that `pgctl ssh-proxy --config` has printed, with our key. Answers its path. */
  configure(text: string): Promise<string>
}

/** @throws Error where this computer has no OpenSSH, or is not ours to run it on. */
export async function startSshd(port: number): Promise<SshdProcess> {
  if (!existsSync(SSHD) || !existsSync(HOST_KEY)) throw new Error('needs openssh-server')
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-bench-ssh-'))
  const key = join(folder, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  await mkdir('/run/sshd', { recursive: true })
  const options = [
    ...['ListenAddress=127.0.0.1', `AuthorizedKeysFile=${key}.pub`, 'StrictModes=no', 'UsePAM=no'],
    ...['PidFile=none', 'PermitRootLogin=yes', 'Subsystem=sftp internal-sftp'],
  ]
  const child = startChild(
    SSHD,
    ['-D', '-f', '/dev/null', '-p', String(port), '-h', HOST_KEY, ...options.flatMap((each) => ['-o', each])],
    { stdio: 'ignore' },
  )
  while (!(await answers(port))) await sleep(20)
  return {
    folder,
    port,
    async configure(text) {
      const path = join(folder, 'config')
      await writeFile(path, `${text}\n  IdentityFile ${key}\n  IdentitiesOnly yes\n  BatchMode yes\n`)
      return path
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
