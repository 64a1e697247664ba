import { Flags } from '@oclif/core'
import { BastionCommand } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'

export default class BastionRefresh extends BastionCommand {
  static override summary = 'Replace the bastion by one of the newest image now, not when it is idle.'
  static override description = [
    'Without somebody on it that happens by itself once it is idle. Where somebody is, they are named and nothing happens',
    'before --confirm repeats the name of the installation. A machine that does not come up is taken back by the function',
    'that looks after it.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> bastion refresh',
    '<%= config.bin %> bastion refresh --confirm acme --json',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    confirm: Flags.string({
      summary: 'The name of the installation, typed out: nobody is cut off without it.',
      helpValue: 'NAME',
    }),
    wait: Flags.boolean({ summary: 'Stay until the new one answers.', default: true, allowNo: true }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionRefresh)
    const { confirm, wait, ...where } = flags
    const deps = await this.deps(where)
    const { refreshBastion } = await import('../../bastion-changes.ts')
    const view = await this.view(deps)
    const wishes = { confirm, wait, tell: (text: string) => this.notice(text) }
    const { replaced, machine } = await refreshBastion(deps, view, wishes, this.signal)
    this.log(
      replaced === undefined
        ? 'the bastion is of the newest version already'
        : machine === undefined
          ? `${replaced} is being replaced: pgctl bastion status shows how far it is`
          : `${replaced} is replaced by ${machine}`,
    )
    return { replaced: replaced ?? null, machine: machine ?? null }
  }
}
