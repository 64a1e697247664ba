import { BaseCommand } from '../base-command.ts'
import { type CompletionModel, complete } from '../completion.ts'

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

  /** Names of the configured installation; a configuration that cannot be used offers none. */
  async #names(): Promise<CompletionModel['names']> {
    try {
      const { chooseInstallation } = await import('../config.ts')
      const { loadConfig } = await import('../load-config.ts')
      const { readProductProfile } = await import('../product-profile.ts')
      const config = loadConfig({ flags: {}, environment: process.env })
      const installations = [...config.installations.keys()]
      const product = installations.length > 0 ? chooseInstallation(config).product : 'paragon'
      const { services, monitors } = await readProductProfile(this.config.root, product)
      return { installations, services: Object.keys(services), monitors: Object.keys(monitors) }
    } catch {
      return { installations: [], services: [], monitors: [] }
    }
  }
}
