import type { Ms } from '#core/clock.ts'
import { PgctlError } from '#core/errors.ts'
import { quoteWords } from '#core/ssm/command-line.ts'
import type { SessionRequest } from '#core/ssm/session-api.ts'

/**
 * What `ssh` needs to come to a bastion by a session: the way there, and the host's key, both of which IAM vouches
 * for. The key is read on the bastion itself, so that nobody has to accept one unseen, and a bastion that was
 * replaced has the right one at once.
 */

/** Documents that lead to a port of the instance. */
export const SSH_DOCUMENTS = {
  /** Many connections a session, and uploads at the speed of the way; what tunnels use as well. */
  forward: 'AWS-StartPortForwardingSessionToRemoteHost',
  /** One raw stream: for policies that allow no other. */
  ssh: 'AWS-StartSSHSession',
} as const

export type SshDocument = keyof typeof SSH_DOCUMENTS

export function sshSession(
  document: SshDocument,
  target: string,
  port: number,
  reason: string | undefined,
): SessionRequest {
  const portNumber = [String(port)]
  return {
    target,
    document: SSH_DOCUMENTS[document],
    parameters: document === 'ssh' ? { portNumber } : { host: ['localhost'], portNumber },
    reason,
  }
}

/** Prints the public keys of the bastion's sshd, where it has them unless told. */
export const HOST_KEYS_COMMAND = ['sh', '-c', 'cat /etc/ssh/ssh_host_*_key.pub']

const KEY_LINE = /^((?:ssh|ecdsa|sk)-[\w@.-]+) ([A-Za-z0-9+/]+=*)(?: .*)?$/

/**
 * The public keys in the files' text, as `TYPE BASE64`.
 * @throws PgctlError `not-supported` where there is none.
 */
export function parseHostKeys(text: string): string[] {
  const keys = text.split('\n').flatMap((line) => {
    const [, type, key] = KEY_LINE.exec(line.trim()) ?? []
    return type === undefined ? [] : [`${type} ${key}`]
  })
  if (keys.length > 0) return keys
  throw new PgctlError('not-supported', 'the bastion has no host keys of an sshd in /etc/ssh', {
    next: 'see whether sshd is installed there: pgctl exec -- ls /etc/ssh',
  })
}

/** Lines of a known_hosts file, for the name as ssh looks it up. */
export function knownHosts(name: string, keys: readonly string[]): string {
  if (!/^[\w.:[\]*-]+$/.test(name))
    throw new PgctlError('usage', `${JSON.stringify(name)} is no name of a host`, {
      next: 'let ssh give it: KnownHostsCommand … --known-hosts %H',
    })
  return keys.map((key) => `${name} ${key}\n`).join('')
}

/** How long keys that were read are taken for the bastion's; ssh asks for them two or three times a connection. */
const KEYS_LAST: Ms = 60 * 60_000

export interface RememberedKeys {
  readonly keys: readonly string[]
  /** Wall clock. */
  readonly at: Ms
}

/** The keys of a document of the store, unless they are too old or none. */
export function rememberedKeys(value: unknown, now: Ms): readonly string[] | undefined {
  const { keys, at } = (value ?? {}) as Partial<RememberedKeys>
  if (!Array.isArray(keys) || typeof at !== 'number') return undefined
  return keys.every((key) => typeof key === 'string') && now >= at && now - at < KEYS_LAST ? keys : undefined
}

export interface SshHost {
  /** What one types after `ssh`. */
  readonly host: string
  readonly installation: string
  /** This very program, wherever it lies. */
  readonly program: readonly string[]
  readonly flags: readonly string[]
  readonly user: string | undefined
}

/** The two commands of a host, as ssh_config wants them: percent signs of our own doubled. */
export function sshCommands({ program, flags }: SshHost): { proxy: string; knownHosts: string } {
  const own = quoteWords([...program, 'ssh-proxy', ...flags]).replaceAll('%', '%%')
  return { proxy: `${own} --port %p`, knownHosts: `${own} --known-hosts %H` }
}

/** What belongs into ~/.ssh/config for these hosts. */
export function sshConfig(hosts: readonly SshHost[]): string {
  const stanzas = hosts.map((host) => {
    const { proxy, knownHosts } = sshCommands(host)
    return [
      `Host ${host.host}`,
      ...(host.user === undefined ? [] : [`  User ${host.user}`]),
      `  ProxyCommand ${proxy}`,
      `  KnownHostsCommand ${knownHosts}`,
      '  UserKnownHostsFile none',
      '  GlobalKnownHostsFile none',
      '  StrictHostKeyChecking yes',
      '  CheckHostIP no',
    ].join('\n')
  })
  return `${stanzas.join('\n\n')}\n`
}
