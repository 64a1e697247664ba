import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { exitStatusOfVerdict } from '../../exit-codes.ts'
import { installationFlags, keyFileFlag } from '../../flags.ts'
import { licenseDocument, renderLicense } from '../../render/license.ts'
import { renderWarning } from '../../render/warning.ts'

export default class LicenseVerify extends BaseCommand {
  static override summary = 'Ask the vendor whether the license is good, or judge a document from a file.'
  static override description = [
    'Without a file the vendor is asked, by the one request that `pgctl license request` shows; the ledger has it',
    'before it leaves. Whatever is not a signed answer changes nothing: the license stands by its own dates. With a',
    'file nothing is sent or changed. The exit status is 5 for a license that is not in force.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> license verify',
    '<%= config.bin %> license verify acme.license --json',
  ]
  static override enableJsonFlag = true
  static override flags = { ...installationFlags, ...keyFileFlag }
  static override args = {
    file: Args.string({ description: 'A file that the vendor has sent, to be judged by itself.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LicenseVerify)
    const { installation, region, profile, 'key-file': keyFile } = flags
    const surroundings = this.surroundings({ installation, region, profile })
    const commands = await import('../../license-commands.ts')
    if (args.file !== undefined) {
      const report = await commands.verifyLicenseFile(args.file, surroundings)
      this.log(renderLicense(report, this.paint))
      process.exitCode = exitStatusOfVerdict(report.verdict)
      return { ...licenseDocument(report), asked: null }
    }
    const { signal } = this
    const { report, outcome, warnings } = await commands.askVendor(surroundings, { keyFile, signal })
    this.log(renderLicense(report, this.paint))
    for (const warning of warnings) this.notice(renderWarning(warning, this.paintNotice))
    process.exitCode = exitStatusOfVerdict(report.verdict)
    const [first] = warnings
    return { ...licenseDocument(report), asked: { outcome: outcome.kind, message: first?.message ?? null } }
  }
}
