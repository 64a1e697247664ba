import { Args } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { renderUse, useDocument, useWarnings } from '../render/use.ts'
import { renderWarning } from '../render/warning.ts'
import { useInstallation } from '../use-installation.ts'

export default class Use extends BaseCommand {
  static override summary = 'Choose the installation that commands act on from now on.'
  static override description = [
    'It is written into config.yaml of the user, whose comments stay. PGCTL_INSTALLATION and "installation:" in a',
    'pgctl.yaml go before it; where one does, a warning says so.',
  ].join(' ')
  static override examples = ['<%= config.bin %> use acme', '<%= config.bin %> use acme --json']
  static override enableJsonFlag = true
  static override args = {
    name: Args.string({ required: true, description: 'An installation, as `pgctl installations` lists it.' }),
  }

  override async run(): Promise<object> {
    const { args } = await this.parse(Use)
    const result = await useInstallation(args.name, process.env)
    this.log(renderUse(result))
    for (const warning of useWarnings(result)) this.notice(renderWarning(warning, this.paintNotice))
    return useDocument(result)
  }
}
