import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { deployedFlag, installationFlags } from '../../flags.ts'
import { renderSigned, signedDocument } from '../../render/egress-proof.ts'

export default class EgressCheckpoint extends BaseCommand {
  static override summary = 'Have a key sign how far the ledger of what left has come.'
  static override description = [
    "The key is one of the account's key service (KMS, Ed25519) that whoever writes the ledger may not use. What it signs",
    'is a note of the kind that transparency logs sign: anybody who keeps it can show later that no row up to there was',
    'changed or taken away. A ledger that does not go on from its last checkpoint is not signed.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> egress checkpoint --file january.note',
    '<%= config.bin %> egress checkpoint --deployed --json',
    '<%= config.bin %> egress checkpoint --kms-key alias/audit',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...deployedFlag,
    'kms-key': Flags.string({
      summary: "The key, by id, ARN or alias; that of the installation's stack unless it is given.",
      helpValue: 'KEY',
    }),
    file: Flags.string({ summary: 'Write the note to this file as well.', helpValue: 'FILE' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(EgressCheckpoint)
    const { deployed, 'kms-key': kmsKey, file, ...where } = flags
    const { makeCheckpoint } = await import('../../egress-checkpoint.ts')
    const signed = await makeCheckpoint(this.surroundings(where), {
      deployed,
      kmsKey,
      file,
      signal: this.signal,
    })
    this.log(renderSigned(signed, this.paint))
    return signedDocument(signed)
  }
}
