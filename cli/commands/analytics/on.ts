import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { NOT_REACHED, renderSwitch } from '../../render/analytics.ts'

export default class AnalyticsOn extends BaseCommand {
  static override summary = 'Let reports of use be sent again.'
  static override description = 'The ledger has it, so that everybody sees since when.'
  static override examples = ['<%= config.bin %> analytics on', '<%= config.bin %> analytics on --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(AnalyticsOn)
    const { turnAnalytics } = await import('../../analytics-commands.ts')
    const { state, changed } = await turnAnalytics(this.surroundings(flags), true)
    this.log(renderSwitch(state))
    this.notice(NOT_REACHED)
    return { on: state.on, row: state.row ?? null, changed }
  }
}
