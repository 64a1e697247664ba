import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, reasonFlag } from '../flags.ts'
import { renderStatus } from '../render/status.ts'
import { statusDocument } from '../render/status-document.ts'

export default class Status extends BaseCommand {
  static override summary = 'Show what an installation consists of, and what is wrong with it.'
  static override description = [
    'Who calls and in which account, the bastion with its agent and what lets connections in, the limits of sessions,',
    'the cluster, the network, datastores, buckets, the audit trail, and which services and monitors run. Nothing is',
    'changed; a short session asks the cluster for its services, unless --no-contents is given. What may not be read',
    'is named, and the rest is shown. The exit status is 5 when a check fails: something keeps people out, or is an',
    'open door. Warnings do not count.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --installation acme --json',
    '<%= config.bin %> status --no-contents',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    'no-contents': Flags.boolean({
      summary: 'Do not ask the cluster which services and monitors it runs, which takes a session.',
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(Status)
    const { wireInstallation } = await import('../deps.ts')
    const { readStatus } = await import('../status-reading.ts')
    const wishes = { contents: !flags['no-contents'] }
    const report = await readStatus(await wireInstallation(this.surroundings(flags)), wishes, this.signal)
    this.log(renderStatus(report, this.paint))
    if (!report.assessment.healthy) this.unhealthy()
    return statusDocument(report)
  }
}
