import { listDocument, renderPoints } from '../../render/snapshots.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsList extends SnapshotCommand {
  static override summary = 'List the recovery points of an installation, the newest first.'
  static override description = [
    'A recovery point is the snapshots of all datastores of a set in one slot. Each has what it lacks, how far apart',
    'its parts were taken, and until when all of them can be restored.',
  ].join(' ')
  static override examples = ['<%= config.bin %> snapshots list', '<%= config.bin %> snapshots list --json']
  static override enableJsonFlag = true
  static override flags = snapshotFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsList)
    const { view } = await this.view(flags)
    this.log(renderPoints(view, this.paint))
    return listDocument(view)
  }
}
