import { BaseCommand } from '../base-command.ts'
import { OPERATOR_SESSION } from '../own-installation.ts'

export default class ClusterSession extends BaseCommand {
  static override summary =
    "Begin a login shell's session of its operator, for the bastion's profile to take on."
  static override examples = ['eval "$(<%= config.bin %> cluster-session)"']
  static override hidden = true

  override async run(): Promise<void> {
    await this.parse(ClusterSession)
    const { beginOperatorSession } = await import('../operator-session.ts')
    const { sessionTokenPlugin } = await import('../token-plugin.ts')
    const { folder, file, kubeconfig, installation } = await beginOperatorSession(
      process.env,
      sessionTokenPlugin,
    )
    this.log(
      [
        `export KUBECONFIG=${quote(kubeconfig)}`,
        `export ${OPERATOR_SESSION}=${quote(file)}`,
        `export PGCTL_INSTALLATION=${quote(installation)}`,
        `trap ${quote(`rm -rf ${quote(folder)}`)} EXIT`,
        // Without it a shell whose terminal goes away would leave the folder behind.
        "trap 'exit 129' HUP",
      ].join('\n'),
    )
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
