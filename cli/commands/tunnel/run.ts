import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags, reasonFlag } from '../../flags.ts'
import { inTypedOrder } from '../../in-typed-order.ts'
import { renderTunnelEvent } from '../../render/tunnel.ts'

export default class TunnelRun extends BaseCommand {
  static override summary = 'Run a program with tunnels that are there for as long as it runs.'
  static override description = [
    'Where each listens stands in the environment: TUNNEL_GRAFANA_URL, and for every target _HOST, _PORT and _ADDRESS',
    '(TUNNEL_POSTGRES_HERMES_PORT). The program starts when all are ready, and not at all where one cannot be opened.',
    'Its exit status is ours.',
  ].join(' ')
  static override examples = [
    `<%= config.bin %> tunnel run grafana -- sh -c 'curl "$TUNNEL_GRAFANA_URL/api/health"'`,
    '<%= config.bin %> tunnel run --set oncall -- ./check.sh',
  ]
  static override usage = [
    'tunnel run TARGET... [-i NAME] [--region REGION] [--profile PROFILE] [--reason TEXT]',
    '[--set NAME] [--all] [--route direct|cluster] -- COMMAND...',
  ].join(' ')
  static override strict = false
  static override args = {
    target: Args.string({ description: 'What to reach; several may follow.' }),
  }
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    set: Flags.string({ summary: 'The targets of this set of the configuration, too.', helpValue: 'NAME' }),
    all: Flags.boolean({ summary: 'Everything that `pgctl targets` lists.' }),
    route: Flags.option({
      options: ['direct', 'cluster'] as const,
      summary: 'Go this way, or not at all.',
    })(),
  }

  override async run(): Promise<void> {
    const dashes = this.argv.indexOf('--')
    const [program, ...words] = dashes === -1 ? [] : this.argv.slice(dashes + 1)
    const { argv, flags } = await this.parse(
      TunnelRun,
      dashes === -1 ? this.argv : this.argv.slice(0, dashes),
    )
    if (program === undefined)
      throw new PgctlError('usage', 'there is no command to run', {
        next: 'put it behind two dashes: pgctl tunnel run grafana -- CMD',
      })
    const { runWithTunnels } = await import('../../tunnel-run.ts')
    const { route, reason, set, all, ...where } = flags
    process.exitCode = await runWithTunnels(
      this.surroundings(where),
      { targets: { words: inTypedOrder(this.argv, argv), set, all }, route, reason, program, words },
      (event) => this.#show(event),
      this.signal,
    )
  }

  /** The program has the screen: only what it might stumble over is told. */
  #show(event: TunnelEvent): void {
    if (event.event === 'starting' || event.event === 'session') return
    if (event.event === 'ended' && event.cause.code === 'closed') return
    const text = renderTunnelEvent(event, this.paintNotice)
    if (text !== undefined) this.notice(text)
  }
}
