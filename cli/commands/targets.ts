import { BaseCommand } from '../base-command.ts'
import { installationFlags } from '../flags.ts'
import { renderTargets, targetsDocument } from '../render/targets.ts'

export default class Targets extends BaseCommand {
  static override summary = 'List what can be tunnelled to by name, and where each listens on this computer.'
  static override description = [
    'Datastores are looked for. Services and monitors are those that `pgctl status` has last seen in the cluster, or,',
    'where it has not been asked of late, those of the product. Addresses and other Services need no entry here.',
  ].join(' ')
  static override examples = ['<%= config.bin %> targets', '<%= config.bin %> targets --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(Targets)
    const { listTargets } = await import('../target-list.ts')
    const list = await listTargets(this.surroundings(flags), this.signal)
    this.log(renderTargets(list, this.paint))
    for (const { part, action } of list.unreadable)
      this.notice(`${part} could not be looked for, which needs ${action}`)
    if (!list.clusterWasAsked) this.notice('the cluster was not asked of late: pgctl status does so')
    return targetsDocument(list)
  }
}
