import { Flags } from '@oclif/core'
import { systemClock } from '#core/io/system-clock.ts'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { BaseCommand } from '../../base-command.ts'
import { sandboxFlag } from '../../flags.ts'
import { paths } from '../../paths.ts'

const WORDS = {
  stopped: 'has ended',
  cleaned: 'was dead already; what it had left is gone',
  absent: 'does not run',
} as const

export default class SandboxDown extends BaseCommand {
  static override summary = 'End a sandbox, and remove what it has left.'
  static override description =
    'Harmless where there is none, and after a crash: what is left of one is cleaned up.'
  static override examples = ['<%= config.bin %> sandbox down', '<%= config.bin %> sandbox down --all']
  static override enableJsonFlag = true
  static override flags = {
    ...sandboxFlag,
    all: Flags.boolean({ summary: 'End every sandbox.' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SandboxDown)
    const { SandboxFolders } = await import('#sandbox/state.ts')
    const { stopSandbox } = await import('#sandbox/stop.ts')
    const { leftInEnvironment } = await import('#sandbox/environment.ts')
    const folders = new SandboxFolders(paths(process.env).state, systemProcesses)
    const chosen = flags.all ? await folders.all() : [folders.named(flags.name)]
    const isAlive = systemProcesses.isAlive
    const sandboxes = await Promise.all(
      chosen.map(async (folder) => ({
        name: folder.name,
        outcome: await stopSandbox(folder, { clock: systemClock, isAlive }),
      })),
    )
    for (const { name, outcome } of sandboxes) this.log(`the sandbox "${name}" ${WORDS[outcome]}`)
    for (const { authorityPath } of chosen) {
      const names = leftInEnvironment(process.env, authorityPath)
      if (names.length > 0)
        this.notice(`this shell still acts on it; end that with: unset ${names.join(' ')}`)
    }
    return { sandboxes }
  }
}
