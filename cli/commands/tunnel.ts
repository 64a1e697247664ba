import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import type { ReadyEvent, TunnelEvent } from '#core/tunnel/events.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, parseSpan, reasonFlag, startFlag } from '../flags.ts'
import { inTypedOrder } from '../in-typed-order.ts'
import { renderDetached, renderFormer, tunnelDocument } from '../render/background.ts'
import { renderReady, renderTunnelEvent } from '../render/tunnel.ts'
import type { TunnelWishes } from '../tunnel-opening.ts'

/** How long a lazy tunnel keeps its session unused: less than policies of accounts commonly allow. */
const DEFAULT_IDLE = '10m'
/** How long open connections may go on after the first Ctrl-C; the second one ends them at once. */
const DRAIN_MS = 500

export default class Tunnel extends BaseCommand {
  static override summary =
    'Open local ports to services, datastores or any address that the bastion reaches.'
  static override description = [
    'A TARGET is a name (`grafana`, `cluster`, `postgres`, or `postgres-hermes` of several), a Service with its port',
    '(`hermes:1702`), an address (`db.internal:5432`), or an instance followed by addresses, which needs no',
    'installation. The local port is the same for everyone. A tunnel is ready when a byte has gone to the far end and',
    'back; it stays open until Ctrl-C, or with --detach until `pgctl tunnel stop`, through losses of the network. A web',
    'service has a name for browsers, `grafana.NAME.localhost`, so that cookies of installations stay apart; requests of',
    'pages of other sites, and by other names, are refused. A target that is called like a subcommand stands behind two',
    'dashes. With --json every event is a line.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> tunnel grafana',
    '<%= config.bin %> tunnel grafana --open',
    '<%= config.bin %> tunnel grafana prometheus --reason "INC-4711"',
    '<%= config.bin %> tunnel postgres --port 5432',
    '<%= config.bin %> tunnel db.internal:5432',
    '<%= config.bin %> tunnel grafana postgres --detach --lazy',
    '<%= config.bin %> tunnel --set oncall --detach',
    '<%= config.bin %> tunnel i-0123456789abcdef0 db.internal:5432 --region eu-central-1',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    target: Args.string({ description: 'What to reach; several may follow.' }),
  }
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
    bind: Flags.string({
      summary: 'Listen on this address instead of 127.0.0.1 and ::1.',
      helpValue: 'ADDRESS',
    }),
    route: Flags.option({
      options: ['direct', 'cluster'] as const,
      summary: 'Go this way, or not at all.',
    })(),
    raw: Flags.boolean({
      summary:
        'Pass bytes as they are to web services, too: no name, and no guard against pages of other sites.',
    }),
    set: Flags.string({ summary: 'The targets of this set of the configuration, too.', helpValue: 'NAME' }),
    all: Flags.boolean({ summary: 'Everything that `pgctl targets` lists.' }),
    open: Flags.boolean({ summary: 'Show it in the browser once it is ready.' }),
    detach: Flags.boolean({
      char: 'd',
      summary: 'Go on in the background, until `pgctl tunnel stop`.',
    }),
    lazy: Flags.boolean({
      summary: 'Listen at once, open a session for the first connection, close it when unused.',
    }),
    idle: Flags.string({
      summary: 'How long a lazy tunnel keeps its session without a connection: 10m unless told.',
      helpValue: 'SPAN',
    }),
  }

  protected override readonly streams = true

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Tunnel)
    if (flags.idle !== undefined && !flags.lazy)
      throw new PgctlError('usage', '--idle is for lazy tunnels', {
        why: 'the session of another one stays until its tunnel is closed',
        next: 'add --lazy, or leave --idle out',
      })
    const idle = parseSpan('--idle', flags.idle ?? DEFAULT_IDLE)
    const { meantTargets } = await import('../target-words.ts')
    const { set, all } = flags
    const meant = { words: inTypedOrder(this.argv, argv), set, all }
    const words = await meantTargets(this.surroundings(flags), meant, this.signal)
    const wishes = { ...flags, words, lazy: flags.lazy ? { idle } : undefined }
    if (flags.detach) return this.#detach(wishes, flags)
    const { openTunnels } = await import('../tunnel-opening.ts')
    const { tunnels, failures } = await openTunnels(
      this.sessionSurroundings(flags),
      wishes,
      (event, isOnly) => {
        this.#show(event, isOnly)
        if (flags.open && event.event === 'ready') void this.#open(event)
      },
      this.signal,
    )
    const failed = [...failures]
    const ends = tunnels.map(async ({ ended }) => {
      const error = await ended
      if (error !== undefined) failed.push(error)
    })
    await Promise.race([untilStopped(this.signal), Promise.all(ends)])
    await Promise.all(tunnels.map((tunnel) => tunnel.close(DRAIN_MS)))
    // Whatever was stopped by hand in the end: what has failed before is how it went.
    if (failed.length > 0) throw failed[0]
    if (this.signal.aborted) throw this.signal.reason
  }

  /** Hands the opening to the supervisor, shows what comes of it, and leaves what is ready to go on. */
  async #detach(wishes: TunnelWishes, where: DetachFlags): Promise<void> {
    const { openDetached } = await import('../detached-opening.ts')
    const { tunnels, failures, former } = await openDetached(
      this.sessionSurroundings(where),
      wishes,
      (event, isOnly) => {
        this.#show(event, isOnly)
        if (where.open && event.event === 'ready') void this.#open(event)
      },
      this.signal,
    )
    if (former !== undefined) this.notice(renderFormer(former, this.paintNotice))
    if (this.jsonEnabled()) this.event({ event: 'detached', tunnels: tunnels.map(tunnelDocument) })
    else if (tunnels.length > 0) this.notice(renderDetached(tunnels, this.paintNotice))
    if (failures[0] !== undefined) throw failures[0]
  }

  #show(event: TunnelEvent, isOnly: boolean): void {
    if (this.jsonEnabled()) this.event(event)
    else if (event.event === 'ready') this.log(renderReady(event, this.paint))
    else if (!(isOnly && isFailure(event))) {
      const text = renderTunnelEvent(event, this.paintNotice)
      if (text !== undefined) this.notice(text)
    }
  }

  /** A tunnel without its page is of use all the same. */
  async #open({ target, url }: ReadyEvent): Promise<void> {
    if (url === undefined) {
      this.#show(
        { event: 'notice', target, about: 'browser', message: 'not opened in a browser: it is no web page' },
        false,
      )
      return
    }
    const { showInBrowser } = await import('../browser.ts')
    const why = await showInBrowser(url)
    if (why !== undefined)
      this.#show(
        {
          event: 'warning',
          target,
          about: 'browser',
          message: `no browser opened: ${why}`,
          next: `open it by hand: ${url}`,
        },
        false,
      )
  }
}

interface DetachFlags {
  readonly start: boolean
  readonly installation?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly open: boolean
}

/** That of the only tunnel is the error of the command, which follows at once. */
function isFailure(event: TunnelEvent): boolean {
  return event.event === 'ended' && event.cause.code !== 'closed'
}

/** A Ctrl-C may come in the moment between "ready" and this. */
function untilStopped(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
