import { Args, Flags } from '@oclif/core'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { BaseCommand } from '../../base-command.ts'
import { sandboxFlag } from '../../flags.ts'
import { paths } from '../../paths.ts'
import { renderKnobs } from '../../render/sandbox.ts'

export default class SandboxKnobs extends BaseCommand {
  static override summary = 'Show or turn what a sandbox is like: its states, its rights, what stands open.'
  static override description = [
    'A knob is turned by its name and value; lists are separated by commas, and empty after a bare equals sign.',
    'States and what is exposed are those of the first installation, rights and failures those of both.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> sandbox knobs',
    '<%= config.bin %> sandbox knobs exposed=bastion-port,database',
    '<%= config.bin %> sandbox knobs deny=rds:DescribeDBInstances bastion=stopped',
    `<%= config.bin %> sandbox knobs 'fail={"ec2:DescribeSubnets":"always"}'`,
    '<%= config.bin %> sandbox knobs --reset',
  ]
  static override strict = false
  static override enableJsonFlag = true
  static override args = {
    knob: Args.string({ description: 'What to turn, NAME=VALUE; several may follow.' }),
  }
  static override flags = {
    ...sandboxFlag,
    reset: Flags.boolean({ summary: 'Turn every knob back to where it was at first, before the others.' }),
  }

  override async run(): Promise<object> {
    const { argv, flags } = await this.parse(SandboxKnobs)
    const { runningRecord, SandboxFolders } = await import('#sandbox/state.ts')
    const { AdminClient } = await import('#sandbox/admin-client.ts')
    const { changeOfWords, wordsOfKnobs } = await import('#sandbox/knob-words.ts')
    const { DEFAULT_KNOBS } = await import('#sandbox/knobs.ts')
    const change = { ...(flags.reset ? DEFAULT_KNOBS : {}), ...changeOfWords(argv as string[]) }
    const folder = new SandboxFolders(paths(process.env).state, systemProcesses).named(flags.name)
    const client = new AdminClient(await runningRecord(folder))
    const knobs = Object.keys(change).length === 0 ? await client.knobs() : await client.turn(change)
    this.log(renderKnobs(wordsOfKnobs(knobs), this.paint))
    return { knobs }
  }
}
