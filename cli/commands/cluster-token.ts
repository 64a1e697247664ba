import { Flags } from '@oclif/core'
import { execCredential } from '#core/kube/kubeconfig.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags } from '../flags.ts'

export default class ClusterToken extends BaseCommand {
  static override summary =
    'Print a token of the cluster; kubectl and helm call this by the kubeconfig of `pgctl`.'
  static override examples = ['<%= config.bin %> cluster-token --installation acme']
  static override hidden = true
  static override flags = {
    ...installationFlags,
    tunnel: Flags.integer({
      summary: 'Open the tunnel in the background on this port, if it is not there.',
      helpValue: 'PORT',
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(ClusterToken)
    if (flags.tunnel !== undefined) {
      const { openStanding } = await import('../standing-kubeconfig.ts')
      const { token } = await openStanding(this.surroundings(flags), flags.tunnel, this.signal)
      this.log(JSON.stringify(execCredential(token)))
      return
    }
    const { wireInstallation } = await import('../deps.ts')
    const deps = await wireInstallation(this.surroundings(flags))
    this.log(JSON.stringify(execCredential(await deps.clusterCredentials.token({ signal: this.signal }))))
  }
}
