import { BaseCommand } from '../../base-command.ts'
import { exitStatusOfVerdict } from '../../exit-codes.ts'
import { installationFlags } from '../../flags.ts'
import { licenseDocument, renderContact, renderLicense } from '../../render/license.ts'
import { renderWarning } from '../../render/warning.ts'

export default class LicenseStatus extends BaseCommand {
  static override summary = 'Show how the installation stands with its license.'
  static override description = [
    'It is judged from what is installed here: the signatures are checked anew, and nothing is sent. That the vendor',
    'cannot be reached changes nothing. The exit status is 5 for a license that is not in force.',
  ].join(' ')
  static override examples = ['<%= config.bin %> license status', '<%= config.bin %> license status --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(LicenseStatus)
    const { licenseStatus } = await import('../../license-commands.ts')
    const { report, contact, warnings } = await licenseStatus(this.surroundings(flags))
    this.log(renderLicense(report, this.paint))
    if (contact.lastAsked !== null) this.notice(renderContact(contact, Date.now()))
    for (const warning of warnings) this.notice(renderWarning(warning, this.paintNotice))
    process.exitCode = exitStatusOfVerdict(report.verdict)
    return { ...licenseDocument(report), ...contact }
  }
}
