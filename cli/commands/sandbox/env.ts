import { Flags } from '@oclif/core'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { BaseCommand } from '../../base-command.ts'
import { sandboxFlag } from '../../flags.ts'
import { paths } from '../../paths.ts'
import { renderEnvironment } from '../../render/sandbox.ts'

export default class SandboxEnv extends BaseCommand {
  static override summary = 'Print the variables that make this shell act on a sandbox.'
  static override description = [
    'They are what every program of AWS reads: one endpoint for all services, region, keys and certificate authority;',
    'and a configuration file of pgctl. Nothing else tells a program that it is in a sandbox.',
  ].join(' ')
  static override examples = [
    'eval "$(<%= config.bin %> sandbox env)"',
    '<%= config.bin %> sandbox env --name slow --json',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...sandboxFlag,
    plain: Flags.boolean({ summary: 'Plain HTTP, for programs that cannot be told an authority.' }),
    agent: Flags.boolean({
      summary: "The bastion's own keys, for an agent of yours (see `up --agent external`).",
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SandboxEnv)
    const { runningRecord, SandboxFolders } = await import('#sandbox/state.ts')
    const { environmentOf } = await import('#sandbox/environment.ts')
    const folder = new SandboxFolders(paths(process.env).state, systemProcesses).named(flags.name)
    const record = await runningRecord(folder)
    const change = environmentOf({
      endpoint: flags.plain ? record.plainEndpoint : record.endpoint,
      ...(flags.agent ? record.agentKey : record.operatorKey),
      authorityPath: folder.authorityPath,
      configPath: folder.configPath,
    })
    this.log(renderEnvironment(change))
    return change
  }
}
