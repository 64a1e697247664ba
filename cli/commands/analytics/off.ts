import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { NOT_REACHED, renderSwitch } from '../../render/analytics.ts'

export default class AnalyticsOff extends BaseCommand {
  static override summary = 'Send no reports of use from now on.'
  static override description =
    'The door to the vendor refuses them from now on, and the ledger has it: `egress verify` counts what was sent all the same.'
  static override examples = ['<%= config.bin %> analytics off', '<%= config.bin %> analytics off --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(AnalyticsOff)
    const { turnAnalytics } = await import('../../analytics-commands.ts')
    const { state, changed } = await turnAnalytics(this.surroundings(flags), false)
    this.log(renderSwitch(state))
    this.notice(NOT_REACHED)
    return { on: state.on, row: state.row ?? null, changed }
  }
}
