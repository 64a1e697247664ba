import { BaseCommand } from '../../base-command.ts'
import { installationFlags, keyFileFlag } from '../../flags.ts'
import { toJson } from '../../render/json.ts'

export default class LicenseRequest extends BaseCommand {
  static override summary = 'Print what is sent to verify the license, to carry it to the vendor by hand.'
  static override description = [
    'For installations that cannot reach the vendor: it answers this request with a file for `license install`. These',
    'fields are all that `license verify` would send. Nothing is sent or changed.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> license request',
    '<%= config.bin %> license request --installation acme --json',
  ]
  static override enableJsonFlag = true
  static override flags = { ...installationFlags, ...keyFileFlag }

  override async run(): Promise<object> {
    const { flags } = await this.parse(LicenseRequest)
    const { installation, region, profile, 'key-file': keyFile } = flags
    const { offlineRequest } = await import('../../license-commands.ts')
    const request = await offlineRequest(this.surroundings({ installation, region, profile }), keyFile)
    this.log(toJson(request))
    return request
  }
}
