import { BaseCommand } from '../../base-command.ts'
import { analyticsFlags, installationFlags } from '../../flags.ts'
import { FROM_NEXT_START, productDocument, renderProduct, renderSwitch } from '../../render/analytics.ts'

export default class AnalyticsOn extends BaseCommand {
  static override summary = 'Let reports of use be sent again.'
  static override description =
    'The product is told by its own setting in the cluster; the ledger has it, so that everybody sees since when.'
  static override examples = [
    '<%= config.bin %> analytics on',
    '<%= config.bin %> analytics on --local --json',
  ]
  static override enableJsonFlag = true
  static override flags = { ...installationFlags, ...analyticsFlags }

  override async run(): Promise<object> {
    const { flags } = await this.parse(AnalyticsOn)
    const { local, ...where } = flags
    const { turnAnalytics } = await import('../../analytics-commands.ts')
    const wishes = { local, signal: this.signal }
    const { state, product, changed } = await turnAnalytics(this.surroundings(where), true, wishes)
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
