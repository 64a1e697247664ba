import { Flags } from '@oclif/core'
import { systemClock } from '#core/io/system-clock.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags } from '../flags.ts'
import { renderSessions, sessionsDocument } from '../render/sessions.ts'

export default class Sessions extends BaseCommand {
  static override summary = 'Show the sessions of the account, whose they are and what for.'
  static override description = [
    'What the service knows, joined with what this computer has written down: whether a process here uses a session, or',
    'has left it behind. The reason is what --reason gave. With --history also those of the last 30 days.',
  ].join(' ')
  static override examples = ['<%= config.bin %> sessions', '<%= config.bin %> sessions --history --json']
  static override enableJsonFlag = true
  static override flags = {
    ...installationFlags,
    history: Flags.boolean({ summary: 'Those that have ended, too.' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(Sessions)
    const { wireInstallation } = await import('../deps.ts')
    const { listSessions } = await import('../session-listing.ts')
    const deps = await wireInstallation(this.surroundings(flags))
    const listing = await listSessions(deps, flags, this.signal)
    this.log(renderSessions(listing, systemClock.now().wall, this.paint))
    return sessionsDocument(listing)
  }
}
