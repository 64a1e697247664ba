import { BaseCommand } from '../../base-command.ts'
import { analyticsFlags, installationFlags } from '../../flags.ts'
import { FROM_NEXT_START, productDocument, renderProduct, renderSwitch } from '../../render/analytics.ts'

export default class AnalyticsOff extends BaseCommand {
  static override summary = 'Send no reports of use from now on.'
  static override description =
    'The product is told by its own setting in the cluster; the door to the vendor refuses reports from now on, and the ledger has it.'
  static override examples = [
    '<%= config.bin %> analytics off',
    '<%= config.bin %> analytics off --local --json',
  ]
  static override enableJsonFlag = true
  static override flags = { ...installationFlags, ...analyticsFlags }

  override async run(): Promise<object> {
    const { flags } = await this.parse(AnalyticsOff)
    const { local, ...where } = flags
    const { turnAnalytics } = await import('../../analytics-commands.ts')
    const wishes = { local, signal: this.signal }
    const { state, product, changed } = await turnAnalytics(this.surroundings(where), false, wishes)
    if (product !== undefined) this.log(renderProduct(product))
    this.log(renderSwitch(state))
    if (product !== undefined && changed) this.notice(FROM_NEXT_START)
    return {
      on: state.on,
      row: state.row ?? null,
      product: product === undefined ? null : productDocument(product),
      changed,
    }
  }
}
