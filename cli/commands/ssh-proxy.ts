import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { knownHosts, type SshHost, sshCommands, sshConfig } from '#core/tunnel/ssh.ts'
import { BaseCommand } from '../base-command.ts'
import { currentChoice } from '../config.ts'
import type { Deps } from '../deps.ts'
import { installationFlags, reasonFlag } from '../flags.ts'
import { allInOrder } from '../in-order.ts'
import { loadConfig } from '../load-config.ts'

const INSTANCE = /^(i|mi)-[0-9a-f]{8,17}$/

export default class SshProxy extends BaseCommand {
  static override summary =
    "Carry ssh to the bastion's sshd: the ProxyCommand of ssh, scp, rsync, git, VS Code."
  static override description = [
    '`--config` prints what belongs into ~/.ssh/config: `ssh acme.pgctl` then goes through a session, whoever starts',
    "it. The bastion's host key is read on the bastion itself, by a session: nothing is accepted unseen, and one that",
    'was replaced is known at once. A key of yours must be authorized there; `login`, `exec` and `cp` need none.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> ssh-proxy --config >> ~/.ssh/config && ssh acme.pgctl',
    '<%= config.bin %> ssh-proxy --config --user ec2-user --installation acme',
    'ssh -o ProxyCommand="<%= config.bin %> ssh-proxy --port %p" ec2-user@bastion',
    'ssh -o ProxyCommand="<%= config.bin %> ssh-proxy %h --document ssh" ec2-user@i-0123456789abcdef0',
  ]
  static override enableJsonFlag = true
  static override args = {
    host: Args.string({
      description: "An instance instead of the installation's bastion: ssh's %h.",
      // What comes in there is ssh's.
      ignoreStdin: true,
    }),
  }
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    port: Flags.integer({
      char: 'p',
      summary: "The port of the sshd there: ssh's %p.",
      min: 1,
      max: 65_535,
      default: 22,
      helpValue: 'PORT',
    }),
    document: Flags.option({ options: ['forward', 'ssh'] as const, default: 'forward' as const })({
      summary: 'Open the session by the document of port forwarding, or by AWS-StartSSHSession.',
    }),
    config: Flags.boolean({ summary: 'Print what belongs into ssh_config.', exclusive: ['known-hosts'] }),
    user: Flags.string({ summary: 'With --config: the user to log in as.', helpValue: 'NAME' }),
    'known-hosts': Flags.string({
      summary: "Print the bastion's host keys as known_hosts has them, for this name: ssh's %H.",
      helpValue: 'HOST',
    }),
  }

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(SshProxy)
    const { installation, region, profile, reason, port, document } = flags
    const where = { installation, region, profile }
    if (flags.config) return this.#printConfig(where, flags.user)
    const name = flags['known-hosts']
    if (name === undefined && this.jsonEnabled())
      throw new PgctlError('usage', 'there is no JSON of a connection: what ssh says is on stdout', {
        next: 'leave --json out, or ask for the configuration: pgctl ssh-proxy --config --json',
      })
    const { wireInstallation } = await import('../deps.ts')
    const { hostKeys, standForSshd } = await import('../ssh-way.ts')
    const deps = await wireInstallation(this.surroundings(where))
    const [context, target] = await allInOrder([
      deps.sessions(this.signal),
      targetOf(args.host, deps, this.signal),
    ])
    if (name === undefined) {
      await standForSshd({ context, target, port, document, reason }, this.signal)
      return undefined
    }
    const keys = await hostKeys({ context, target, reason }, deps.store, this.signal)
    process.stdout.write(this.jsonEnabled() ? '' : knownHosts(name, keys))
    return { host: name, instance: target, keys }
  }

  #printConfig(
    where: { installation?: string | undefined; region?: string | undefined; profile?: string | undefined },
    user: string | undefined,
  ): object {
    const config = loadConfig(this.surroundings(where))
    const names = where.installation === undefined ? [...config.installations.keys()] : [where.installation]
    for (const name of names) {
      const choice = currentChoice(loadConfig(this.surroundings({ ...where, installation: name })))
      if (choice instanceof PgctlError) throw choice
    }
    const program = [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? 'pgctl')]
    const hosts = names.map((installation): SshHost => {
      const flags = Object.entries({ ...where, installation }).flatMap(([flag, value]) =>
        value === undefined ? [] : [`--${flag}`, value],
      )
      return { host: `${installation}.pgctl`, installation, program, flags, user }
    })
    if (!this.jsonEnabled()) process.stdout.write(sshConfig(hosts))
    return {
      hosts: hosts.map((host) => {
        const { proxy, knownHosts } = sshCommands(host)
        return {
          host: host.host,
          installation: host.installation,
          user: host.user ?? null,
          proxyCommand: proxy,
          knownHostsCommand: knownHosts,
        }
      }),
    }
  }
}

/** An instance that is named, or the bastion of the installation, whatever ssh calls it. */
async function targetOf(host: string | undefined, deps: Deps, signal: AbortSignal): Promise<string> {
  if (host !== undefined && INSTANCE.test(host)) return host
  return (await deps.bastion(signal)).bastion.id
}
