import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, setFlag } from '../flags.ts'
import { deployDocument, renderDeployPlan, renderStackEvent } from '../render/deploy.ts'
import { pairsOf } from '../stack-values.ts'

export default class Deploy extends BaseCommand {
  static override summary = "Deploy the installation's functions, after showing what that changes."
  static override description = [
    'CloudFormation says what would be added, changed, made anew and removed, and which rights are touched; nothing is',
    'done before --confirm names the installation. What is not said with --set stays as it is. An update that fails is',
    'taken back; --rollback goes back to what was deployed before. Versions of this pgctl, the functions and the bastion',
    'that do not fit each other are told.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> deploy --plan',
    '<%= config.bin %> deploy --set topic=arn:aws:sns:eu-central-1:111122223333:alerts --confirm acme',
    '<%= config.bin %> deploy --rollback previous --plan',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    plan: Flags.boolean({ summary: 'Only show what would be changed.' }),
    confirm: Flags.string({
      summary: 'Deploy to this installation, whose name is repeated here.',
      helpValue: 'NAME',
    }),
    ...setFlag,
    rollback: Flags.string({
      summary: 'Go back to a release that was deployed before, or to the previous one.',
      helpValue: 'RELEASE|previous',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(Deploy)
    const { plan, confirm, set, rollback, ...where } = flags
    if (plan && confirm !== undefined)
      throw new PgctlError('usage', '--plan and --confirm say two things: to look, and to deploy', {
        next: 'leave one of them out',
      })
    const { deployStack } = await import('../deploy.ts')
    const report = await deployStack(this.surroundings(where), {
      planOnly: plan,
      confirm,
      set: pairsOf(set),
      rollback,
      signal: this.signal,
      onPlan: (proposed) => this.log(renderDeployPlan(proposed, this.paint)),
      onEvent: (event) => this.notice(renderStackEvent(event, this.paintNotice)),
    })
    if (report.done) this.log(`${this.paint('green', 'deployed:')} ${report.release} is in ${report.stack}`)
    return deployDocument(report)
  }
}
