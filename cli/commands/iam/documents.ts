import { Args } from '@oclif/core'
import { documentTemplate } from '#core/permissions/documents.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'

export default class IamDocuments extends BaseCommand {
  static override summary = 'Print session documents that lead to single hosts and ports, for CloudFormation.'
  static override description = [
    'A document each for the cluster and the datastores, or for the targets that are named (`postgres`, `db.internal:5432`).',
    'Once they are deployed and the entry of the installation says "sessionDocuments: own", tunnels use them, and',
    '`pgctl iam policy` allows no others: a role is then bound to exactly these targets.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> iam documents',
    '<%= config.bin %> iam documents cluster postgres',
  ]
  static override strict = false
  static override args = {
    target: Args.string({ description: 'What to make a document for; several may follow.' }),
  }
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { argv, flags } = await this.parse(IamDocuments)
    const { wireInstallation } = await import('../../deps.ts')
    const { readFixedTargets } = await import('../../fixed-targets.ts')
    const deps = await wireInstallation(this.surroundings(flags))
    const targets = await readFixedTargets(deps, argv.map(String), this.signal)
    const template = documentTemplate(deps.installation.workspace, targets)
    this.log(JSON.stringify(template, null, 2))
    return template
  }
}
