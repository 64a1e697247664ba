import { BaseCommand } from '../base-command.ts'
import { userConfigPath } from '../config-files.ts'
import { installationFlags } from '../flags.ts'
import { loadConfig } from '../load-config.ts'
import { paths } from '../paths.ts'
import { configDocument, renderConfig } from '../render/config.ts'

export default class Config extends BaseCommand {
  static override summary = 'Show what is configured, and where each value comes from.'
  static override description = [
    'Flags come first, then PGCTL_* variables, then pgctl.yaml in this folder or above, then config.yaml of the user,',
    'then the defaults.',
  ].join(' ')
  static override examples = ['<%= config.bin %> config', '<%= config.bin %> config --json']
  static override enableJsonFlag = true
  static override flags = installationFlags

  override async run(): Promise<object> {
    const { flags } = await this.parse(Config)
    const config = loadConfig({ flags, environment: process.env })
    const places = { config: userConfigPath(), state: paths().state }
    this.log(renderConfig(config, places, this.paint))
    return configDocument(config, places)
  }
}
