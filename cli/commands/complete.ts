import { isPgctlError } from '#core/errors.ts'
import type { InstallationEntry } from '#core/installation/installation.ts'
import type { KnownNames } from '#core/installation/known-names.ts'
import { BaseCommand } from '../base-command.ts'
import { type CompletionModel, complete } from '../completion.ts'
import type { Config } from '../config.ts'

export default class Complete extends BaseCommand {
  static override summary = 'Print the words that fit behind those given; shells call this at Tab.'
  static override examples = ['<%= config.bin %> complete -- tunnel gra']
  static override hidden = true
  static override strict = false

  override async run(): Promise<void> {
    const { argv } = await this.parse(Complete)
    const commands = this.config.commands
      .filter(({ hidden }) => !hidden)
      .map(({ id, flags }) => ({
        path: id.split(':'),
        flags: Object.entries(flags).map(([name, flag]) => ({
          name,
          char: flag.char,
          takesValue: flag.type === 'option',
          options: flag.type === 'option' ? flag.options : undefined,
        })),
      }))
    const found = complete(argv.map(String), { commands, names: await this.#names() })
    if (found.length > 0) this.log(found.join('\n'))
  }

  /** Names of now; a configuration that cannot be used offers none. */
  async #names(): Promise<CompletionModel['names']> {
    try {
      const { loadConfig } = await import('../load-config.ts')
      const config = loadConfig({ flags: {}, environment: process.env })
      const background = await targetsInBackground()
      const installations = [...config.installations.keys()]
      const sets = [...config.sets.keys()]
      return { installations, sets, background, ...(await this.#targets(config)) }
    } catch {
      return { installations: [], sets: [], background: [], ...NO_TARGETS }
    }
  }

  /**
   * Those that the last look at the current installation has found; before there was one, those of the product that
   * it runs. Where none is chosen yet, names to choose from remain.
   */
  async #targets(config: Config): Promise<TargetWords> {
    const { currentChoice } = await import('../config.ts')
    const { readProductProfile } = await import('../product-profile.ts')
    const choice = currentChoice(config)
    const entry = isPgctlError(choice) ? undefined : config.installations.get(choice.name)?.entry
    try {
      const { services, monitors } = await readProductProfile(this.config.root, entry?.product ?? 'paragon')
      const known = entry === undefined ? undefined : await recall(entry)
      const { contents, datastores = [] } = known ?? {}
      const ofProduct = { services: Object.keys(services), monitors: Object.keys(monitors) }
      return { ...(contents ?? ofProduct), datastores }
    } catch {
      return NO_TARGETS
    }
  }
}

type TargetWords = Pick<CompletionModel['names'], 'services' | 'monitors' | 'datastores'>

const NO_TARGETS: TargetWords = { services: [], monitors: [], datastores: [] }

/** As their supervisor has written them down: it need not be asked. */
async function targetsInBackground(): Promise<readonly string[]> {
  const { formerLife } = await import('#core/tunnel/control/io/records.ts')
  const { supervisorPlace } = await import('../background.ts')
  try {
    return formerLife(supervisorPlace(process.env).journal).lost.map(({ target }) => target)
  } catch {
    // Where there can be no supervisor there are no such targets, and all others remain.
    return []
  }
}

/** From this computer alone: a person at Tab does not wait for the network. */
async function recall(entry: InstallationEntry): Promise<KnownNames> {
  const { recallNames } = await import('#core/installation/known-names.ts')
  const { createFileStore } = await import('#core/io/file-store.ts')
  const { systemClock } = await import('#core/io/system-clock.ts')
  const { paths } = await import('../paths.ts')
  const store = createFileStore({ folder: paths(process.env).state, clock: systemClock })
  return recallNames(store, entry, systemClock.now().wall)
}
