import type { FormerLife } from '#core/tunnel/control/journal.ts'
import type { TunnelRecord } from '#core/tunnel/control/roster.ts'
import { BaseCommand } from '../../base-command.ts'
import { formerDocument, renderFormer, renderTunnels, tunnelDocument } from '../../render/background.ts'

export default class TunnelList extends BaseCommand {
  static override summary = 'List the tunnels in the background.'
  static override description = [
    'A lazy tunnel is `asleep` while it has no session. One that has ended by a failure stays in the list until the',
    'last tunnel is gone, or it is opened again. Where the supervisor was killed, its former tunnels are named.',
  ].join(' ')
  static override examples = ['<%= config.bin %> tunnel list', '<%= config.bin %> tunnel list --json']
  static override enableJsonFlag = true

  override async run(): Promise<object> {
    await this.parse(TunnelList)
    const { askBackground, supervisorPlace } = await import('../../background.ts')
    const { formerLife } = await import('#core/tunnel/control/io/records.ts')
    const asked = { request: { request: 'list' }, sameVersion: false, signal: this.signal }
    const whence = { environment: process.env, version: this.config.version }
    const answer = await askBackground<Listed>(whence, asked)
    if (answer === undefined) {
      const former = formerLife(supervisorPlace(process.env).journal)
      if (former.lost.length > 0) this.notice(renderFormer(former, this.paintNotice))
      else this.notice('no tunnels are in the background')
      return { supervisor: null, tunnels: [], former: former.lost.length > 0 ? formerDocument(former) : null }
    }
    const { version, pid, tunnels, former } = answer
    if (former !== undefined) this.notice(renderFormer(former, this.paintNotice))
    if (tunnels.length > 0) this.log(renderTunnels(tunnels, Date.now(), this.paint))
    else this.notice('no tunnels are in the background')
    return {
      supervisor: { pid, version },
      tunnels: tunnels.map(tunnelDocument),
      former: former === undefined ? null : formerDocument(former),
    }
  }
}

interface Listed {
  readonly version: string
  readonly pid: number
  readonly tunnels: readonly TunnelRecord[]
  /** Of a supervisor before this one that was killed, until somebody opens a tunnel again. */
  readonly former?: FormerLife
}
