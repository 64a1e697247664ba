import { Flags } from '@oclif/core'
import { BastionCommand } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'

export default class BastionStart extends BastionCommand {
  static override summary = 'Start a bastion that has been stopped, with the sizes that its group had.'
  static override description = [
    'Commands that open a session do so by themselves. It is stopped again when nobody has used it for a while; to keep',
    'it, hold it.',
  ].join(' ')
  static override examples = ['<%= config.bin %> bastion start', '<%= config.bin %> bastion start --json']
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    'old-image': Flags.boolean({ summary: 'Start it although its image is older than it ought to be.' }),
    wait: Flags.boolean({ summary: 'Stay until its agent answers.', default: true, allowNo: true }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionStart)
    const { wait, 'old-image': oldImage, ...where } = flags
    const deps = await this.deps(where)
    const { startBastion } = await import('../../bastion-changes.ts')
    const { began, machine } = await startBastion(
      deps,
      { wait, oldImage, tell: (text) => this.notice(text) },
      this.signal,
    )
    this.log(
      machine === undefined
        ? `${began ? 'the bastion is starting' : 'the bastion was started already'}: pgctl bastion status shows how far it is`
        : `the bastion ${machine.id} answers${began ? '' : '; it was not stopped'}`,
    )
    return { started: began, machine: machine?.id ?? null }
  }
}
