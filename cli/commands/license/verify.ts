import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { exitStatusOfVerdict } from '../../exit-codes.ts'
import { installationFlags } from '../../flags.ts'
import { licenseDocument, renderLicense } from '../../render/license.ts'

export default class LicenseVerify extends BaseCommand {
  static override summary = 'Verify a license document of the vendor, from a file.'
  static override description = [
    'Its signature is checked with the keys that came with this pgctl, and its dates with the latest time known here.',
    'Nothing is sent or changed. The exit status is 5 for a license that is not in force.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> license verify acme.license',
    '<%= config.bin %> license verify acme.license --json',
  ]
  static override enableJsonFlag = true
  static override flags = installationFlags
  static override args = {
    file: Args.string({ required: true, description: 'The file that the vendor has sent.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LicenseVerify)
    const { verifyLicenseFile } = await import('../../license-commands.ts')
    const report = await verifyLicenseFile(args.file, this.surroundings(flags))
    this.log(renderLicense(report, this.paint))
    process.exitCode = exitStatusOfVerdict(report.verdict)
    return licenseDocument(report)
  }
}
