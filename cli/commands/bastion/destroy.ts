import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { renderStackEvent } from '../../render/deploy.ts'

export default class BastionDestroy extends BaseCommand {
  static override summary = 'Delete the bastion that was deployed, and all that belongs to it.'
  static override description = [
    'Group, template, role, network parts, session preferences, the log of sessions, rights and what was written down of',
    'its life go; the key of the sessions goes after seven days, as KMS wants it. The functions stay.',
  ].join(' ')
  static override examples = ['<%= config.bin %> bastion destroy --confirm acme']
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    confirm: Flags.string({
      summary: 'The name of the installation, typed out: nothing is deleted without it.',
      helpValue: 'NAME',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionDestroy)
    const { confirm, ...where } = flags
    const { destroyBastion } = await import('../../bastion-deploy.ts')
    const report = await destroyBastion(this.surroundings(where), {
      confirm,
      signal: this.signal,
      onEvent: (event) => this.notice(renderStackEvent(event, this.paintNotice)),
    })
    this.log(report.done ? `${report.stack} is deleted` : `there was no ${report.stack}`)
    return report
  }
}
