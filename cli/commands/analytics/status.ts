import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { analyticsFlags, installationFlags, reasonFlag } from '../../flags.ts'
import { analyticsDocument, isSilent, renderAnalytics } from '../../render/analytics.ts'

export default class AnalyticsStatus extends BaseCommand {
  static override summary = 'Show whether reports of use may be sent, and how many were.'
  static override description = [
    "From the product's own setting in the cluster, and the switch and the ledger of this computer. Nothing is sent to the",
    'vendor. With --flows the network itself is asked what the product has sent since reports are off; the exit status is',
    '5 where that may have been some.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> analytics status',
    '<%= config.bin %> analytics status --flows s3://acme-logs/AWSLogs --flows cloudwatch:/acme/resolver',
    '<%= config.bin %> analytics status --local --json',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    ...analyticsFlags,
    flows: Flags.string({
      summary: 'Logs of the network, as `egress diff` takes them; may be repeated.',
      helpValue: 'FLOWS',
      multiple: true,
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(AnalyticsStatus)
    const { local, flows: sources = [], ...where } = flags
    const { analyticsState } = await import('../../analytics-commands.ts')
    const state = await analyticsState(this.surroundings(where), { local, sources, signal: this.signal })
    this.log(renderAnalytics(state, this.paint))
    if (!isSilent(state)) this.unhealthy()
    return analyticsDocument(state)
  }
}
