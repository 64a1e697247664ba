import { Args, Flags } from '@oclif/core'
import type { LoggedEvent } from '#core/tunnel/control/io/records.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { renderLogged } from '../../render/background.ts'
import type { SupervisorEvent } from '../../supervisor/supervisor.ts'

export default class TunnelLogs extends BaseCommand {
  static override summary = 'Show what has happened to tunnels in the background.'
  static override description = [
    'From the start of their supervisor, or of the last one where none runs any more: so what had become of a tunnel',
    'that is gone can be read. The newest mebibyte is kept.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> tunnel logs',
    '<%= config.bin %> tunnel logs grafana --follow',
    '<%= config.bin %> tunnel logs --json',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    target: Args.string({ description: 'A target, or its number of `pgctl tunnel list`; all unless named.' }),
  }
  static override flags = {
    installation: installationFlags.installation,
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what happens from now on.' }),
  }

  protected override readonly streams = true

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(TunnelLogs)
    const { askBackground, supervisorPlace } = await import('../../background.ts')
    const { readLog } = await import('#core/tunnel/control/io/records.ts')
    const words = argv.map(String)
    const fits = ({ tunnel, installation, event }: LoggedEvent) =>
      (flags.installation === undefined || flags.installation === installation) &&
      (words.length === 0 || words.includes(event.target) || words.includes(String(tunnel)))
    let last = 0
    const show = (logged: LoggedEvent) => {
      if (logged.seq <= last || !fits(logged)) return
      last = logged.seq
      this.#show(logged)
    }
    const showWritten = () => {
      for (const logged of readLog(supervisorPlace(process.env))) show(logged)
    }
    showWritten()
    if (!flags.follow) return
    // What happens between the two looks is in neither; the first event of the second look tells how far that went.
    const onEvent = (event: unknown) => {
      const told = event as SupervisorEvent
      if ('record' in told) showWritten()
      else show(told.logged)
    }
    const request = { request: 'attach', words, installation: flags.installation }
    const whence = { environment: process.env, version: this.config.version }
    await askBackground(whence, { request, sameVersion: false, onEvent, signal: this.signal })
    // The last tunnel, and the supervisor with it, may have gone between the look and the question.
    showWritten()
  }

  #show(logged: LoggedEvent): void {
    if (this.jsonEnabled()) {
      const { at, tunnel, installation, event } = logged
      this.event({ ...event, at, tunnel, installation: installation ?? null })
      return
    }
    const text = renderLogged(logged, this.paint)
    if (text !== undefined) this.log(text)
  }
}
