import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import type { TunnelRecord } from '#core/tunnel/control/roster.ts'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { tunnelDocument } from '../../render/background.ts'

export default class TunnelStop extends BaseCommand {
  static override summary = 'End tunnels in the background, and their sessions.'
  static override examples = [
    '<%= config.bin %> tunnel stop grafana',
    '<%= config.bin %> tunnel stop 3',
    '<%= config.bin %> tunnel stop --all',
    '<%= config.bin %> tunnel stop --all --installation acme',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    target: Args.string({
      description: 'A target, or its number of `pgctl tunnel list`; several may follow.',
    }),
  }
  static override flags = {
    installation: installationFlags.installation,
    all: Flags.boolean({ summary: 'All of them, or all of the installation.' }),
  }

  override async run(): Promise<object> {
    const { argv, flags } = await this.parse(TunnelStop)
    const words = argv.map(String)
    if (Boolean(flags.all) === words.length > 0)
      throw new PgctlError(
        'usage',
        flags.all ? 'some and all cannot both be stopped' : 'nothing is named to stop',
        {
          next: 'name targets (pgctl tunnel stop grafana), or all: pgctl tunnel stop --all',
        },
      )
    const { askBackground } = await import('../../background.ts')
    const request = { request: 'stop', words, installation: flags.installation }
    const whence = { environment: process.env, version: this.config.version }
    const asked = { request, sameVersion: false, signal: this.signal }
    const stopped = (await askBackground<{ stopped: TunnelRecord[] }>(whence, asked))?.stopped
    if (stopped === undefined && !flags.all)
      throw new PgctlError('target-unknown', `no background tunnel is called ${JSON.stringify(words[0])}`, {
        why: 'there is none',
        next: 'see which there are: pgctl tunnel list',
      })
    for (const { target, installation } of stopped ?? [])
      this.log(installation === undefined ? `${target} stopped` : `${target} stopped (${installation})`)
    if (!stopped?.length) this.notice('no tunnels are in the background')
    return { stopped: (stopped ?? []).map(tunnelDocument) }
  }
}
