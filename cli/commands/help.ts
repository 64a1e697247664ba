import { Args, loadHelpClass } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { renderExitStatuses } from '../render/exit-statuses.ts'

export default class Help extends BaseCommand {
  static override summary = 'Show help for pgctl, for a command, or on a topic.'
  static override description = 'The topic `exit-codes` lists what each exit status means.'
  static override examples = ['<%= config.bin %> help tunnel', '<%= config.bin %> help exit-codes']
  static override strict = false
  static override args = { command: Args.string({ description: 'A command or a topic.' }) }

  override async run(): Promise<void> {
    const { argv } = await this.parse(Help)
    const words = argv.map(String)
    if (words[0] === 'exit-codes') {
      this.log(renderExitStatuses())
      return
    }
    const HelpClass = await loadHelpClass(this.config)
    await new HelpClass(this.config, this.config.pjson.oclif.helpOptions ?? {}).showHelp(words)
  }
}
