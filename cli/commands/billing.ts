import { BaseCommand } from '../base-command.ts'
import { installationFlags } from '../flags.ts'
import { billingDocument, renderBilling } from '../render/billing.ts'

export default class Billing extends BaseCommand {
  static override summary = 'Show the plan of the license and what it costs, as the vendor has it.'
  static override description = [
    'The vendor is asked now, and only now: nothing asks for it by itself. The ledger has the request before it leaves,',
    'and only a signed answer is shown.',
  ].join(' ')
  static override examples = ['<%= config.bin %> billing', '<%= config.bin %> billing --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(Billing)
    const { askBilling } = await import('../billing-command.ts')
    const statement = await askBilling(this.surroundings(flags), this.signal)
    this.log(renderBilling(statement, this.paint))
    return billingDocument(statement)
  }
}
