import { Flags } from '@oclif/core'
import { calendarDays } from '#core/snapshots/calendar.ts'
import { calendarDocument, renderCalendar } from '../../render/snapshot-calendar.ts'
import { calendarSvg } from '../../render/snapshot-calendar-svg.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsCalendar extends SnapshotCommand {
  static override summary = 'Show recovery points by day: what there is, what comes, and what expires.'
  static override examples = [
    '<%= config.bin %> snapshots calendar',
    '<%= config.bin %> snapshots calendar --back 90 --ahead 30',
    '<%= config.bin %> snapshots calendar --svg calendar.svg',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...snapshotFlags,
    back: Flags.integer({ summary: 'Days to look back.', helpValue: 'DAYS', default: 35, min: 0, max: 400 }),
    ahead: Flags.integer({
      summary: 'Days to look ahead.',
      helpValue: 'DAYS',
      default: 14,
      min: 0,
      max: 400,
    }),
    svg: Flags.string({ summary: 'Write it to a file as well, as a picture.', helpValue: 'FILE' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsCalendar)
    const { back, ahead, svg, ...rest } = flags
    const { deps, view } = await this.view(rest)
    const days = calendarDays(view.input, view.points, { back, ahead })
    if (svg !== undefined) {
      const { writeResult } = await import('../../write-result.ts')
      await writeResult(svg, calendarSvg(days, `Recovery points of ${deps.installation.name}`))
    }
    this.log(renderCalendar(days, this.paint))
    return calendarDocument(days)
  }
}
