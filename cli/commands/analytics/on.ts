import { AnalyticsSwitch } from '../../analytics-switch.ts'

export default class AnalyticsOn extends AnalyticsSwitch {
  static override summary = 'Let reports of use be sent again.'
  static override description =
    'The product is told by its own setting in the cluster; the ledger has it, so that everybody sees since when.'
  static override examples = [
    '<%= config.bin %> analytics on',
    '<%= config.bin %> analytics on --local --json',
  ]

  override run(): Promise<object> {
    return this.turn(true)
  }
}
