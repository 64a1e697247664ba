import { resourceName } from '#core/installation/profile.ts'
import { assess } from '#core/installation/status.ts'
import { BaseCommand } from '../base-command.ts'
import type { Surroundings } from '../deps.ts'
import { installationFlags } from '../flags.ts'
import { allInOrder } from '../in-order.ts'
import { renderStatus, type StatusReport, statusDocument } from '../render/status.ts'

export default class Status extends BaseCommand {
  static override summary = 'Show whether an installation can be entered, and what keeps it from that.'
  static override description = [
    'Who calls and in which account, the bastion and its agent, the limits of sessions, the cluster. Nothing is',
    'started or changed. The exit status is 5 when a check fails; warnings do not count.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --installation acme --json',
  ]
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(Status)
    const report = await this.#inspect(flags)
    this.log(renderStatus(report, this.paint))
    if (!report.assessment.healthy) this.unhealthy()
    return statusDocument(report)
  }

  async #inspect(flags: Surroundings['flags']): Promise<StatusReport> {
    const { wireInstallation } = await import('../deps.ts')
    const { logger, signal } = this
    const { root, version } = this.config
    const deps = await wireInstallation({ flags, environment: process.env, root, version, logger })
    const { installation, profile, clusterName } = deps
    const [identity, inventory, limits] = await allInOrder([
      deps.identity(signal),
      deps.inventory(['bastion', 'cluster'], 'full', signal),
      deps.sessionApi.limits(signal),
    ])
    const now = Date.now()
    const wanted = installation.bastion ?? resourceName(profile, 'bastion', installation.workspace)
    const assessment = assess(inventory, { wanted, clusterName, now })
    return { installation, identity, inventory, assessment, limits, now }
  }
}
