import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { HOLD_TAG, HOLD_UNTIL_TAG } from '#core/snapshots/retention.ts'
import { formatDay } from '#core/snapshots/zone.ts'
import { pinDocument, renderPin } from '../../render/snapshots.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsPin extends SnapshotCommand {
  static override summary = 'Keep a recovery point whatever the policy says, or let go of it.'
  static override description = [
    `The tags ${HOLD_TAG} and ${HOLD_UNTIL_TAG} are set on every snapshot of the point; set in a console, they are`,
    'honoured just so.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots pin newest',
    '<%= config.bin %> snapshots pin pt-202611250230-1a2b3c4d --until 2027-03-31',
    '<%= config.bin %> snapshots pin pt-202611250230-1a2b3c4d --remove',
  ]
  static override enableJsonFlag = true
  static override args = {
    point: Args.string({ description: 'The id of the recovery point, or `newest`.', required: true }),
  }
  static override flags = {
    ...snapshotFlags,
    until: Flags.string({
      summary: 'Through this day, instead of for good.',
      helpValue: 'YYYY-MM-DD',
      exclusive: ['remove'],
    }),
    remove: Flags.boolean({ summary: 'Let go of it: the policy decides again.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SnapshotsPin)
    const { until, remove, ...rest } = flags
    if (until !== undefined && !isDay(until))
      throw new PgctlError('usage', `${until} is no day`, { next: 'write it as --until 2027-03-31' })
    const { deps, view } = await this.view(rest)
    const { now, policy } = view.input
    if (until !== undefined && until < formatDay(policy.zone.wallAt(now)))
      throw new PgctlError('usage', `${until} is over`, {
        why: 'a day that has passed holds nothing',
        next: 'name today or a later day, or let go of the point with --remove',
      })
    const { findPoint, pinPoint } = await import('../../snapshot-reading.ts')
    const set = remove ? {} : until === undefined ? { [HOLD_TAG]: 'pgctl' } : { [HOLD_UNTIL_TAG]: until }
    const held = remove ? 'no longer pinned' : until === undefined ? 'pinned' : `held through ${until}`
    const point = findPoint(view, args.point)
    const results = await pinPoint(deps, view, point, set, this.signal)
    this.log(renderPin(point, held, results, this.paint))
    if (results.some(({ why }) => why !== undefined)) process.exitCode = 1
    return pinDocument(point, set, results)
  }
}

/** A day of the calendar: the parser alone would take 31 February for one in March. */
function isDay(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  return !Number.isNaN(at) && formatDay(at) === text
}
