import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { renderEnded } from '../../render/sessions.ts'
import { checkConfirmed } from '../../snapshot-command.ts'

export default class SessionsEnd extends BaseCommand {
  static override summary =
    'End sessions of the account: some by their ids, or those that were left behind here.'
  static override description = [
    'Connections through an ended session break. Ending what a process of this computer has left behind needs no',
    '--confirm. Whether one may end the sessions of another person, the policy of the account says.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> sessions end operator-0a1b2c3d4e5f60718 --confirm acme',
    '<%= config.bin %> sessions end --orphans',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    id: Args.string({ description: 'The id of a session; several may follow.' }),
  }
  static override flags = {
    ...installationFlags,
    orphans: Flags.boolean({ summary: 'All that processes of this computer have left behind.' }),
    confirm: Flags.string({
      summary: 'The name of the installation, typed out: no session that may be in use is ended without it.',
      helpValue: 'NAME',
    }),
  }

  override async run(): Promise<object> {
    const { argv, flags } = await this.parse(SessionsEnd)
    const ids = argv.map(String)
    if (ids.length === 0 && !flags.orphans)
      throw new PgctlError('usage', 'no session to end is named', {
        next: 'give the ids that pgctl sessions shows, or --orphans',
      })
    const { wireInstallation } = await import('../../deps.ts')
    const { endSessions, listSessions, sessionsToEnd } = await import('../../session-listing.ts')
    const deps = await wireInstallation(this.surroundings(flags))
    const listing = await listSessions(deps, { history: false }, this.signal)
    const chosen = sessionsToEnd(listing, ids, flags.orphans)
    if (chosen.some(({ use }) => use !== 'orphan'))
      checkConfirmed(flags.confirm, deps.installation.name, 'ending a session')
    const results = await endSessions(deps, chosen, this.signal)
    this.log(renderEnded(results))
    const failed = results.find(({ failure }) => failure !== undefined)?.failure
    if (failed !== undefined) throw failed
    return { ended: results.map(({ id }) => id) }
  }
}
