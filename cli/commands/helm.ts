import { ClusterCommand, clusterFlags } from '../cluster-command.ts'
import { wordsBehindDashes } from '../words-behind-dashes.ts'

export default class Helm extends ClusterCommand {
  static override summary = "Run helm against the installation's cluster."
  static override description = [
    'The helm of this computer, with a kubeconfig of its own, as `pgctl kubectl` has it. helm keeps what it knows of a',
    'release in Secrets: to list and to look it needs `get` and `list` on secrets of the namespace, to change it',
    '`create`, `update` and `delete` as well. The exit status is that of helm.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> helm -- list',
    '<%= config.bin %> helm -- rollback paragon-on-prem 12',
  ]
  static override usage =
    'helm [-i NAME] [--region REGION] [--profile PROFILE] [--reason TEXT] [--background on|off] -- ARGUMENTS...'
  static override strict = false
  static override flags = clusterFlags

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Helm)
    const words = wordsBehindDashes(this.argv, argv, 'pgctl helm -- list')
    await this.runProgram('helm', words, flags, { hold: false })
  }
}
