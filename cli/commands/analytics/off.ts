import { AnalyticsSwitch } from '../../analytics-switch.ts'

export default class AnalyticsOff extends AnalyticsSwitch {
  static override summary = 'Send no reports of use from now on.'
  static override description =
    'The product is told by its own setting in the cluster; the door to the vendor refuses reports from now on, and the ledger has it.'
  static override examples = [
    '<%= config.bin %> analytics off',
    '<%= config.bin %> analytics off --local --json',
  ]

  override run(): Promise<object> {
    return this.turn(false)
  }
}
