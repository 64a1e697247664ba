import { Flags } from '@oclif/core'
import { proxyEnvironment, proxyUrls } from '#core/tunnel/proxy/environment.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, reasonFlag, startFlag } from '../flags.ts'
import { renderExports, renderProxyEvent, renderProxyRoute } from '../render/proxy.ts'
import { wordsBehindDashes } from '../words-behind-dashes.ts'

export default class ProxyCommand extends BaseCommand {
  static override summary =
    "A SOCKS5 and HTTP proxy into the installation, on one port of this computer's loopback."
  static override description = [
    "It leads to the installation's own hosts: Services of the cluster by name, its API, the datastores. Names are",
    'looked up on the far side, and each host and port has one session, opened at the first connection. The password',
    'is drawn anew for every run. With words behind `--`, a program is run with the proxy in its environment, and its',
    'exit status is ours; else the proxy stays open until Ctrl-C. With --json every event is a line.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> proxy -- curl http://grafana:4500/api/health',
    '<%= config.bin %> proxy --reason "INC-4711"',
    '<%= config.bin %> proxy --print-env > /dev/shm/proxy.env & sleep 5; . /dev/shm/proxy.env',
    '<%= config.bin %> proxy --any -- curl https://internal.example.com/',
  ]
  static override usage =
    'proxy [-i NAME] [--region REGION] [--profile PROFILE] [--reason TEXT] [--no-start] [-p PORT] [--any] [--print-env] [-- COMMAND...]'
  static override enableJsonFlag = true
  static override strict = false
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    ...startFlag,
    port: Flags.integer({
      char: 'p',
      summary: 'The local port; 0 takes any free one.',
      min: 0,
      max: 65_535,
      helpValue: 'PORT',
    }),
    any: Flags.boolean({ summary: 'Lead to whatever the bastion reaches, not only to the installation.' }),
    'print-env': Flags.boolean({
      summary: 'Print the variables that programs look for a proxy in, for a shell.',
    }),
  }

  protected override readonly streams = true

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(ProxyCommand)
    const { installation, region, profile, reason, start, port, any } = flags
    const command = argv.length === 0 ? [] : wordsBehindDashes(this.argv, argv, 'pgctl proxy -- CMD')
    const { wireInstallation } = await import('../deps.ts')
    const { openProxy } = await import('../proxy-opening.ts')
    const { findProgram } = await import('../find-program.ts')
    const { runProgram } = await import('../program.ts')
    const [program, ...words] = command
    const path = program === undefined ? undefined : findProgram(program, process.env)
    const deps = await wireInstallation(this.sessionSurroundings({ installation, region, profile, start }))
    await using proxy = await openProxy(
      deps,
      {
        ...{ port, any, reason },
        report: (event) => {
          if (this.jsonEnabled() && path === undefined) this.event(event)
          else this.#tell(renderProxyEvent(event, this.paintNotice))
        },
        onRoute: (target, event) => {
          // Which session a program of ours goes by is nothing to its user.
          if (path === undefined || event.event !== 'session')
            this.#tell(renderProxyRoute(target, event, this.paintNotice))
        },
      },
      this.signal,
    )
    const urls = proxyUrls(proxy.address, proxy.port, proxy.credentials)
    if (path !== undefined) {
      const environment = { ...process.env, ...proxyEnvironment(urls) }
      process.exitCode = await runProgram(path, { words, environment, signal: this.signal })
      return
    }
    const { user, password } = proxy.credentials
    const { address, port: listening } = proxy
    if (this.jsonEnabled()) this.event({ event: 'ready', address, port: listening, user, password, ...urls })
    else if (flags['print-env']) this.log(renderExports(proxyEnvironment(urls)))
    else this.log(`proxy  ${urls.socks}\n       ${urls.http}`)
    await new Promise<void>((resolve) => {
      if (this.signal.aborted) resolve()
      this.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    throw this.signal.reason
  }

  #tell(text: string | undefined): void {
    if (text !== undefined) this.notice(text)
  }
}
