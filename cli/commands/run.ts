import { ClusterCommand, clusterFlags } from '../cluster-command.ts'
import { wordsBehindDashes } from '../words-behind-dashes.ts'

export default class Run extends ClusterCommand {
  static override summary = "Run any program with a way to the installation's cluster."
  static override description = [
    'KUBECONFIG leads through a tunnel to the cluster for as long as the program runs: k9s, stern, a script of your',
    'own. PGCTL_INSTALLATION names the installation. The exit status is that of the program.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> run -- k9s',
    '<%= config.bin %> run -- sh -c "kubectl get pods | grep -v Running"',
  ]
  static override usage =
    'run [-i NAME] [--region REGION] [--profile PROFILE] [--reason TEXT] [--background on|off] -- COMMAND...'
  static override strict = false
  static override flags = clusterFlags

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Run)
    const [program = '', ...words] = wordsBehindDashes(this.argv, argv, 'pgctl run -- CMD')
    await this.runProgram(program, words, flags, { hold: true })
  }
}
