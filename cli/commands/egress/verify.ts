import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { deployedFlag, installationFlags } from '../../flags.ts'
import { isProved, proofDocument, renderProof } from '../../render/egress-proof.ts'

export default class EgressVerify extends BaseCommand {
  static override summary = 'Check that the ledger of what left is whole.'
  static override description = [
    'Every row names the digest of the one before it, so that none can be changed, taken out or put between. Checkpoints,',
    'which a key has signed that nobody who writes the ledger may use, show whether rows were taken off the end or all of',
    'them written anew. It is also checked that nothing of a kind was sent while it was switched off. The exit status is',
    '5 where something is wrong.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> egress verify',
    '<%= config.bin %> egress verify --deployed --json',
    '<%= config.bin %> egress verify --checkpoint january.note --key pgctl-ledger/ins-…+4f1c2a9b+AR…',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...deployedFlag,
    checkpoint: Flags.string({
      summary: 'A file with a checkpoint, besides the one that is kept; may be repeated.',
      helpValue: 'FILE',
      multiple: true,
    }),
    key: Flags.string({
      summary: 'The key that has signed them, as `egress checkpoint` printed it.',
      helpValue: 'KEY',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(EgressVerify)
    const { deployed, checkpoint: files = [], key, ...where } = flags
    const { proveLedger } = await import('../../egress-checkpoint.ts')
    const proof = await proveLedger(this.surroundings(where), { deployed, files, key, signal: this.signal })
    this.log(renderProof(proof, this.paint))
    if (!isProved(proof)) this.unhealthy()
    return proofDocument(proof)
  }
}
