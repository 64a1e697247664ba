import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { licenseDocument, renderLicense } from '../../render/license.ts'
import { renderWarning } from '../../render/warning.ts'

export default class LicenseInstall extends BaseCommand {
  static override summary = 'Install a license document, or a list of keys, from a file.'
  static override description = [
    'For installations that cannot ask the vendor, and for a first document. All lines of the file are taken, or none:',
    'what is altered, revoked, older than what is here or for another installation is refused, and what is here stays.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> license install acme.license',
    '<%= config.bin %> license install acme.license --installation acme --json',
  ]
  static override enableJsonFlag = true
  static override flags = installationFlags
  static override args = {
    file: Args.string({ required: true, description: 'The file that the vendor has sent.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LicenseInstall)
    const { installLicenseFile } = await import('../../license-commands.ts')
    const { report, changed, warnings } = await installLicenseFile(args.file, this.surroundings(flags))
    this.log(renderLicense(report, this.paint))
    this.notice(changed ? 'it is installed' : 'it was installed already; nothing has changed')
    for (const warning of warnings) this.notice(renderWarning(warning, this.paintNotice))
    return { ...licenseDocument(report), changed }
  }
}
