import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { analyticsDocument, NOT_REACHED, renderAnalytics } from '../../render/analytics.ts'

export default class AnalyticsStatus extends BaseCommand {
  static override summary = 'Show whether reports of use may be sent, and how many were.'
  static override description =
    'From the switch and the ledger of this computer. Nothing is sent. `egress diff` shows what the product sends itself.'
  static override examples = [
    '<%= config.bin %> analytics status',
    '<%= config.bin %> analytics status --json',
  ]
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(AnalyticsStatus)
    const { analyticsState } = await import('../../analytics-commands.ts')
    const state = await analyticsState(this.surroundings(flags))
    this.log(renderAnalytics(state))
    this.notice(NOT_REACHED)
    return analyticsDocument(state)
  }
}
