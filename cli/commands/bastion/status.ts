import { BastionCommand } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'
import { bastionDocument, renderBastion } from '../../render/bastion.ts'

export default class BastionStatus extends BastionCommand {
  static override summary = 'Show whether the bastion runs, who is on it, and when it will stop and why.'
  static override description = [
    'The function that looks after the bastion decides once a minute; this shows what it would decide now. Whatever is',
    'not known counts as use. The exit status is 5 for a bastion that is stuck or does not come up.',
  ].join(' ')
  static override examples = ['<%= config.bin %> bastion status', '<%= config.bin %> bastion status --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionStatus)
    const deps = await this.deps(flags)
    const view = await this.view(deps)
    this.log(renderBastion(view, deps.installation.name, this.paint))
    if (['stuck', 'failed'].includes(view.decision.verdict.kind)) this.unhealthy()
    return bastionDocument(view)
  }
}
