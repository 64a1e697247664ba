import { isPgctlError } from '#core/errors.ts'
import { BaseCommand } from '../base-command.ts'
import { currentChoice } from '../config.ts'
import { loadConfig } from '../load-config.ts'
import { installationsDocument, renderInstallations } from '../render/installations.ts'
import { renderWarning } from '../render/warning.ts'

export default class Installations extends BaseCommand {
  static override summary = 'List the installations, and mark the one that commands act on.'
  static override description =
    'They are those of the configuration; `use` chooses another one. Nothing is sent.'
  static override examples = ['<%= config.bin %> installations', '<%= config.bin %> installations --json']
  static override enableJsonFlag = true

  override async run(): Promise<object> {
    await this.parse(Installations)
    const config = loadConfig({ flags: {}, environment: process.env })
    const choice = currentChoice(config)
    if (config.installations.size > 0) this.log(renderInstallations(config, choice, this.paint))
    if (isPgctlError(choice)) this.notice(renderWarning(choice, this.paintNotice))
    return installationsDocument(config, choice)
  }
}
