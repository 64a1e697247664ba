import { BaseCommand } from './base-command.ts'
import { analyticsFlags, installationFlags, reasonFlag } from './flags.ts'
import { FROM_NEXT_START, productDocument, renderProduct, renderSwitch } from './render/analytics.ts'

/** What `analytics on` and `analytics off` share. */
export abstract class AnalyticsSwitch extends BaseCommand {
  static override enableJsonFlag = true
  static override flags = { ...installationFlags, ...reasonFlag, ...analyticsFlags }

  /** Turns it, and shows how it stands. */
  protected async turn(on: boolean): Promise<object> {
    const { flags } = await this.parse(AnalyticsSwitch)
    const { local, ...where } = flags
    const { turnAnalytics } = await import('./analytics-commands.ts')
    const wishes = { local, signal: this.signal }
    const { state, product, changed } = await turnAnalytics(this.surroundings(where), on, wishes)
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
