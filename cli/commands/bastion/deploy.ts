import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags, setFlag } from '../../flags.ts'
import { deployDocument, renderDeployPlan, renderStackEvent } from '../../render/deploy.ts'
import { pairsOf } from '../../stack-values.ts'

export default class BastionDeploy extends BaseCommand {
  static override summary = 'Deploy the bastion: its group, template, role, network and session preferences.'
  static override description = [
    'CloudFormation says what would be added, changed, made anew and removed; nothing is done before --confirm names the',
    'installation. Network, subnets, cluster and datastores are found, and the security groups of the latter two let the',
    'bastion in (--set Datastores=none, --set ClusterGroup= leave them alone). The image is named with --set',
    'ImageId=ami-…, and a newer one takes the place of what runs once nobody is on it. The group is at 0 until somebody',
    'opens a session.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> bastion deploy --set ImageId=ami-0123456789abcdef0 --plan',
    '<%= config.bin %> bastion deploy --set ImageId=ami-0123456789abcdef0 --set Endpoints=yes --confirm acme',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...setFlag,
    plan: Flags.boolean({ summary: 'Only show what would be changed.' }),
    confirm: Flags.string({
      summary: 'Deploy to this installation, whose name is repeated here.',
      helpValue: 'NAME',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionDeploy)
    const { plan, confirm, set, ...where } = flags
    if (plan && confirm !== undefined)
      throw new PgctlError('usage', '--plan and --confirm say two things: to look, and to deploy', {
        next: 'leave one of them out',
      })
    const { deployBastion } = await import('../../bastion-deploy.ts')
    const report = await deployBastion(this.surroundings(where), {
      planOnly: plan,
      confirm,
      set: pairsOf(set),
      signal: this.signal,
      onPlan: (proposed) => this.log(renderDeployPlan(proposed, this.paint)),
      onNotice: (text) => this.notice(text),
      onEvent: (event) => this.notice(renderStackEvent(event, this.paintNotice)),
    })
    if (report.done)
      this.log(`${this.paint('green', 'deployed:')} ${report.stack}; it starts with the first session`)
    return deployDocument(report)
  }
}
