import { Args } from '@oclif/core'
import { pointDocument, renderPoint } from '../../render/snapshots.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsShow extends SnapshotCommand {
  static override summary = 'Show one recovery point: its parts, and why each is kept.'
  static override examples = ['<%= config.bin %> snapshots show pt-202611250230-1a2b3c4d']
  static override enableJsonFlag = true
  static override args = {
    point: Args.string({ description: 'The id of the recovery point, or `newest`.', required: true }),
  }
  static override flags = snapshotFlags

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SnapshotsShow)
    const { deps, view } = await this.view(flags)
    const { findPoint, readFingerprint } = await import('../../snapshot-reading.ts')
    const point = findPoint(view, args.point)
    const fingerprint = await readFingerprint(deps, point.id)
    this.log(renderPoint(view, point, fingerprint, this.paint))
    return pointDocument(view, point, fingerprint)
  }
}
