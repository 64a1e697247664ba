import { isMainThread } from 'node:worker_threads'
import { isPgctlError } from '#core/errors.ts'
import { BaseCommand } from '../base-command.ts'

export default class Supervise extends BaseCommand {
  static override summary = 'Hold background tunnels; `pgctl tunnel --detach` starts this.'
  static override examples = ['<%= config.bin %> supervise']
  static override hidden = true

  override async run(): Promise<void> {
    await this.parse(Supervise)
    if (!isMainThread) {
      const { serveHolder } = await import('../supervisor/holder.ts')
      await serveHolder(this.logger)
    }
    const { Supervisor } = await import('../supervisor/supervisor.ts')
    const { HolderThread } = await import('../supervisor/holder-thread.ts')
    const { controlPlace } = await import('#core/tunnel/control/io/place.ts')
    const { systemClock } = await import('#core/io/system-clock.ts')
    const { paths } = await import('../paths.ts')
    const { state } = paths(process.env)
    const { root, version } = this.config
    const start = { root, version, trusts: process.env['NODE_EXTRA_CA_CERTS'] }
    try {
      await using supervisor = await Supervisor.start({
        place: controlPlace(state),
        clock: systemClock,
        ...{ state, version },
        startHolder: (options) => new HolderThread({ ...options, start }),
      })
      tell({ ready: true })
      const stopped = new Promise((resolve) => this.signal.addEventListener('abort', resolve, { once: true }))
      await Promise.race([supervisor.over, stopped])
    } catch (error) {
      // Of two that were started at once the other one serves.
      if (!isPgctlError(error, 'state-conflict')) throw error
      tell({ ready: true })
    }
  }
}

/** To the command that has started this one, if it is still there. */
function tell(message: object): void {
  if (process.send === undefined || !process.connected) return
  process.send(message, () => {
    if (process.connected) process.disconnect()
  })
}
