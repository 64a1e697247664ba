import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { deployedFlag, installationFlags } from '../../flags.ts'
import { renderRow } from '../../render/egress.ts'

export default class EgressShow extends BaseCommand {
  static override summary = 'Show a row of the ledger: what was sent, to whom and why.'
  static override description = [
    'The body is the one that was sent, without random numbers. `mac` is a digest of the exact bytes with a key that',
    'never leaves, so that a body can be confirmed and not guessed.',
  ].join(' ')
  static override examples = ['<%= config.bin %> egress show 12', '<%= config.bin %> egress show 12 --json']
  static override enableJsonFlag = true
  static override flags = { ...installationFlags, ...deployedFlag }
  static override args = {
    row: Args.integer({ required: true, description: 'The number of the row, as `egress list` shows it.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(EgressShow)
    const { showRow } = await import('../../egress-commands.ts')
    const { deployed, ...where } = flags
    const { row, line } = await showRow(this.surroundings(where), args.row, { deployed, signal: this.signal })
    this.log(renderRow(row, this.paint))
    return { row, line }
  }
}
