import { Flags } from '@oclif/core'
import { describeNext } from '#core/bastion/schedule-words.ts'
import { BastionCommand } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'

export default class BastionStop extends BastionCommand {
  static override summary = 'Stop the bastion now: its group is set to 0, and its sizes are kept.'
  static override description = [
    'It starts again with the next command that opens a session, or when the next window of its schedule opens. Where',
    'somebody is on it, or holds it, they are named and nothing happens before --confirm repeats the name of the',
    'installation; what was held is let go of.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> bastion stop',
    '<%= config.bin %> bastion stop --confirm acme --json',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    confirm: Flags.string({
      summary: 'The name of the installation, typed out: nobody is cut off without it.',
      helpValue: 'NAME',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionStop)
    const { confirm, ...where } = flags
    const deps = await this.deps(where)
    const { stopBastion } = await import('../../bastion-changes.ts')
    const view = await this.view(deps)
    const { stopped, next } = await stopBastion(deps, view, confirm, this.signal)
    const until = next === undefined ? '' : `; its schedule starts it again: ${describeNext(next, view.now)}`
    this.log(`${stopped ? 'the bastion is stopped' : 'the bastion was stopped already'}${until}`)
    return { stopped, next: next === undefined ? null : new Date(next.at).toISOString() }
  }
}
