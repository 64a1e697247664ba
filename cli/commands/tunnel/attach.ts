import { Args } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { tunnelDocument } from '../../render/background.ts'
import { renderReady, renderTunnelEvent } from '../../render/tunnel.ts'
import type { SupervisorEvent } from '../../supervisor/supervisor.ts'

export default class TunnelAttach extends BaseCommand {
  static override summary = 'Follow tunnels in the background, as if they had been opened here.'
  static override description = 'Ctrl-C leaves them as they are. It ends when the last of them has ended.'
  static override examples = ['<%= config.bin %> tunnel attach', '<%= config.bin %> tunnel attach grafana']
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    target: Args.string({ description: 'A target, or its number of `pgctl tunnel list`; all unless named.' }),
  }
  static override flags = { installation: installationFlags.installation }

  protected override readonly streams = true

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(TunnelAttach)
    const { askBackground } = await import('../../background.ts')
    const request = { request: 'attach', words: argv.map(String), installation: flags.installation }
    const whence = { environment: process.env, version: this.config.version }
    const onEvent = (event: unknown) => this.#show(event as SupervisorEvent)
    const asked = { request, sameVersion: false, onEvent, signal: this.signal }
    if ((await askBackground(whence, asked)) !== undefined) return
    throw new PgctlError('target-unknown', 'no tunnels are in the background', {
      next: 'open one: pgctl tunnel grafana --detach',
    })
  }

  #show(told: SupervisorEvent): void {
    if ('record' in told) this.#showRecord(told.record)
    else if (this.jsonEnabled()) this.event(told.logged.event)
    else if (told.logged.event.event === 'ready') this.log(renderReady(told.logged.event, this.paint))
    else {
      const text = renderTunnelEvent(told.logged.event, this.paintNotice)
      if (text !== undefined) this.notice(text)
    }
  }

  #showRecord(record: Extract<SupervisorEvent, { record: unknown }>['record']): void {
    if (this.jsonEnabled()) {
      this.event({ event: 'attached', ...tunnelDocument(record) })
      return
    }
    const at = record.url ?? (record.port === undefined ? '' : `${record.address}:${record.port}`)
    this.log(
      [this.paint('bold', record.target), this.paint('cyan', at), this.paint('dim', record.state)].join('  '),
    )
  }
}
