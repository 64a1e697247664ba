import { Flags } from '@oclif/core'
import { firstWall, forecast } from '#core/snapshots/forecast.ts'
import { forecastDocument, renderForecast } from '../../render/snapshot-forecast.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsForecast extends SnapshotCommand {
  static override summary = 'Live the policy through, and say on which day it would hit a quota.'
  static override description = [
    "Everybody else's snapshots stand where they stand now. The exit status is 5 when the provider would refuse a",
    'snapshot within that time.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots forecast',
    '<%= config.bin %> snapshots forecast --days 365',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...snapshotFlags,
    days: Flags.integer({
      summary: 'How far to look ahead.',
      helpValue: 'DAYS',
      default: 90,
      min: 1,
      max: 3660,
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsForecast)
    const { days, ...rest } = flags
    const { view } = await this.view(rest)
    const snapshots = view.input.listings.flatMap((listing) => listing.snapshots)
    const ahead = forecast({ ...view.input, snapshots }, view.input.now, days)
    this.log(renderForecast(ahead, view, this.paint))
    if (firstWall(ahead) !== undefined) this.unhealthy()
    return forecastDocument(ahead)
  }
}
