import { ClusterCommand, clusterFlags } from '../cluster-command.ts'
import { wordsBehindDashes } from '../words-behind-dashes.ts'

export default class Kubectl extends ClusterCommand {
  static override summary = "Run kubectl against the installation's cluster."
  static override description = [
    'The kubectl of this computer, with a kubeconfig of its own: the certificate is checked against the real name, the',
    'token is renewed while it runs, and your own kubeconfig is neither read nor changed. The namespace is that of the',
    'product unless -n says another. It may do what the access entry of the caller allows; the way there needs no right',
    'in the cluster. It is shared: the first run opens a tunnel in the background, which closes its session when unused;',
    'a run with --reason has a session of its own. The exit status is that of kubectl.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> kubectl -- get pods',
    '<%= config.bin %> kubectl --reason "INC-4711" -- rollout restart deployment/hermes',
  ]
  static override usage =
    'kubectl [-i NAME] [--region REGION] [--profile PROFILE] [--reason TEXT] [--background on|off] -- ARGUMENTS...'
  static override strict = false
  static override flags = clusterFlags

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Kubectl)
    const words = wordsBehindDashes(this.argv, argv, 'pgctl kubectl -- get pods')
    await this.runProgram('kubectl', words, flags, { hold: false })
  }
}
