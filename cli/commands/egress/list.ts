import { Flags } from '@oclif/core'
import { VENDOR_KINDS } from '#core/vendor/kinds.ts'
import { BaseCommand } from '../../base-command.ts'
import { deployedFlag, installationFlags } from '../../flags.ts'
import { departuresDocument, renderDepartures } from '../../render/egress.ts'

export default class EgressList extends BaseCommand {
  static override summary = "List what was sent to the vendor's cloud, from the ledger."
  static override description = [
    'Three kinds of request may leave, license, billing and analytics, and each is in the ledger before it does. The',
    'newest are shown, with how they went.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> egress list',
    '<%= config.bin %> egress list --kind analytics --limit 200 --json',
    '<%= config.bin %> egress list --deployed',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    ...deployedFlag,
    kind: Flags.string({ summary: 'Only requests of this kind.', options: VENDOR_KINDS }),
    limit: Flags.integer({ summary: 'How many at most.', helpValue: 'N', default: 50, min: 1, max: 10_000 }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(EgressList)
    const { installation, region, profile, limit, deployed } = flags
    const { listDepartures } = await import('../../egress-commands.ts')
    const kind = VENDOR_KINDS.find((each) => each === flags.kind)
    const departures = await listDepartures(this.surroundings({ installation, region, profile }), {
      kind,
      limit,
      deployed,
      signal: this.signal,
    })
    this.log(renderDepartures(departures, this.paint))
    return departuresDocument(departures)
  }
}
