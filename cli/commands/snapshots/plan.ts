import { planDocument, renderPlan } from '../../render/snapshot-plan.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsPlan extends SnapshotCommand {
  static override summary = 'Show what would be made and deleted now, and why.'
  static override description = [
    'Nothing is changed. The digest stands for the actions: give it to `snapshots prune --plan`, and the deletes happen',
    'only if they are still the same.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots plan',
    '<%= config.bin %> snapshots plan --policy snapshots.yaml --json',
  ]
  static override enableJsonFlag = true
  static override flags = snapshotFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsPlan)
    const { view } = await this.view(flags)
    this.log(renderPlan(view, this.paint))
    return planDocument(view)
  }
}
