import { Flags } from '@oclif/core'
import { BastionCommand } from '../../bastion-command.ts'
import { installationFlags } from '../../flags.ts'
import { leaseDocument } from '../../render/bastion.ts'

export default class BastionRelease extends BastionCommand {
  static override summary = 'Let go of a bastion that is held open.'
  static override examples = [
    '<%= config.bin %> bastion release',
    '<%= config.bin %> bastion release --of ada --json',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    of: Flags.string({ summary: 'What somebody else holds, by their name.', helpValue: 'OWNER' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(BastionRelease)
    const { of: owner, ...where } = flags
    const deps = await this.deps(where)
    const { releaseBastion } = await import('../../bastion-changes.ts')
    const released = await releaseBastion(deps, owner, this.signal)
    for (const lease of released) this.log(`let go: ${lease.owner} held it ("${lease.reason}")`)
    if (released.length === 0) this.log('nothing was held')
    return { released: released.map(leaseDocument) }
  }
}
