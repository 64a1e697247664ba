import { Args } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'
import { completionScript, SHELLS, type Shell } from '../completion.ts'

export default class Completion extends BaseCommand {
  static override summary = 'Print the script with which a shell completes pgctl at Tab.'
  static override description =
    'Names of installations and services are looked up at each Tab, in the configuration; nothing is sent.'
  static override examples = [
    '<%= config.bin %> completion bash >> ~/.bashrc',
    '<%= config.bin %> completion zsh > ~/.zfunc/_pgctl',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/pgctl.fish',
  ]
  static override args = {
    shell: Args.string({ options: SHELLS, required: true, description: 'Which shell.' }),
  }

  override async run(): Promise<void> {
    const { args } = await this.parse(Completion)
    this.log(completionScript(args.shell as Shell, this.config.bin))
  }
}
