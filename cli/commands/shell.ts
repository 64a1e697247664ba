import { ClusterCommand, clusterFlags } from '../cluster-command.ts'

export default class Shell extends ClusterCommand {
  static override summary = "Open a shell on this computer with a way to the installation's cluster."
  static override description = [
    'Your own shell, in which kubectl, helm and whatever reads KUBECONFIG act on the installation, and every pgctl too.',
    'The way there ends with the shell.',
  ].join(' ')
  static override examples = ['<%= config.bin %> shell', '<%= config.bin %> shell --installation globex']
  static override flags = clusterFlags

  override async run(): Promise<void> {
    const { flags } = await this.parse(Shell)
    const shell = process.env['SHELL'] ?? (process.platform === 'win32' ? 'powershell' : '/bin/sh')
    if (process.stderr.isTTY) this.notice(`a shell with a way to the cluster; leave it with exit`)
    await this.runProgram(shell, [], flags, { hold: true })
  }
}
