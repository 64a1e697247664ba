import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { isWhole, renderReview, reviewDocument } from '../../render/egress.ts'

export default class EgressVerify extends BaseCommand {
  static override summary = 'Check that the ledger of what left is whole.'
  static override description = [
    'Every row names the digest of the one before it, so that none can be changed, taken out or put between. It is also',
    'checked that nothing of a kind was sent while it was switched off. The exit status is 5 where something is wrong.',
  ].join(' ')
  static override examples = ['<%= config.bin %> egress verify', '<%= config.bin %> egress verify --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(EgressVerify)
    const { reviewLedger } = await import('../../egress-commands.ts')
    const review = await reviewLedger(this.surroundings(flags))
    this.log(renderReview(review, this.paint))
    if (!isWhole(review)) this.unhealthy()
    return reviewDocument(review)
  }
}
