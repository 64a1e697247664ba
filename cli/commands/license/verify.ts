import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { exitStatusOfVerdict } from '../../exit-codes.ts'
import { installationFlags, keyFileFlag } from '../../flags.ts'
import {
  functionDocument,
  licenseDocument,
  renderFunctionVerdict,
  renderLicense,
} from '../../render/license.ts'
import { renderWarning } from '../../render/warning.ts'

export default class LicenseVerify extends BaseCommand {
  static override summary = 'Ask the vendor whether the license is good, or judge a document from a file.'
  static override description = [
    'Without a file the vendor is asked, by the one request that `pgctl license request` shows; the ledger has it',
    'before it leaves. Whatever is not a signed answer changes nothing: the license stands by its own dates. With a',
    "file nothing is sent or changed. With --deployed the installation's own function asks, and the cluster sees what came",
    'of it. The exit status is 5 for a license that is not in force.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> license verify',
    '<%= config.bin %> license verify acme.license --json',
    '<%= config.bin %> license verify --deployed',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...keyFileFlag,
    deployed: Flags.boolean({ summary: "Have the installation's own function do it, in its account." }),
    boot: Flags.boolean({
      summary:
        "The same, as the bastion's unit does when it comes up: the function learns which pgctl is there.",
    }),
  }
  static override args = {
    file: Args.string({ description: 'A file that the vendor has sent, to be judged by itself.' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(LicenseVerify)
    const { installation, region, profile, 'key-file': keyFile } = flags
    const surroundings = this.surroundings({ installation, region, profile })
    const commands = await import('../../license-commands.ts')
    if (flags.deployed || flags.boot) return this.#byFunction(flags.boot ? 'boot' : 'person', args.file)
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

  async #byFunction(trigger: 'person' | 'boot', file: string | undefined): Promise<object> {
    if (file !== undefined)
      throw new PgctlError('usage', 'a function verifies what it has, and no file', {
        next: 'leave out the file, or --deployed and --boot',
      })
    const { flags } = await this.parse(LicenseVerify)
    const { installation, region, profile } = flags
    const { verifyByFunction } = await import('../../license-deployed.ts')
    const found = await verifyByFunction(
      this.surroundings({ installation, region, profile }),
      trigger,
      this.signal,
    )
    this.log(renderFunctionVerdict(found, this.paint))
    process.exitCode = exitStatusOfVerdict(found.verdict)
    return functionDocument(found)
  }
}
