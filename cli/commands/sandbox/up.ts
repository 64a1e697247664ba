import { Flags } from '@oclif/core'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import { SandboxFolders } from '#sandbox/state.ts'
import { BaseCommand } from '../../base-command.ts'
import { sandboxFlag } from '../../flags.ts'
import { paths } from '../../paths.ts'

export default class SandboxUp extends BaseCommand {
  static override summary =
    'Start a small installation on this computer: AWS, a bastion, a cluster, services.'
  static override description = [
    'Everything listens on the loopback only, and nothing is sent anywhere. It runs until Ctrl-C, or with --detach',
    'until `pgctl sandbox down`. Several run side by side, each with a name of its own.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> sandbox up --detach && eval "$(<%= config.bin %> sandbox env)"',
    '<%= config.bin %> sandbox up --name slow --latency 40',
    '<%= config.bin %> sandbox up --agent external',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...sandboxFlag,
    detach: Flags.boolean({ char: 'd', summary: 'Go on in the background once everything answers.' }),
    agent: Flags.option({ options: ['own', 'external'] as const, default: 'own' as const })({
      summary: "Start the bastion's agent, or wait for another program to play it.",
    }),
    pace: Flags.option({ options: ['vendor', 'none'] as const, default: 'vendor' as const })({
      summary: "Whether the agent pauses between messages as the vendor's does.",
    }),
    'message-size': Flags.integer({
      summary: "Bytes in one message of the agent, instead of the vendor's 1,024.",
      helpValue: 'BYTES',
      min: 1,
      max: 65_536,
    }),
    latency: Flags.integer({
      summary: 'What a round trip to the service takes longer than on loopback.',
      helpValue: 'MS',
      min: 0,
      max: 10_000,
      default: 0,
    }),
    'close-every': Flags.integer({
      summary: 'Close every WebSocket of a client after so many seconds, again and again.',
      helpValue: 'SECONDS',
      min: 1,
    }),
    ssh: Flags.integer({
      summary: "A port of this computer's loopback whose sshd stands for the bastion's.",
      helpValue: 'PORT',
      min: 1,
      max: 65_535,
    }),
    'upload-stall': Flags.boolean({ summary: 'Have the agent stall when uploads come too fast.' }),
  }

  protected override readonly streams = true

  override async run(): Promise<void> {
    const { flags } = await this.parse(SandboxUp)
    const folder = new SandboxFolders(paths(process.env).state, systemProcesses).named(flags.name)
    if (flags.detach) {
      const { detachSandbox } = await import('#sandbox/detach.ts')
      const words = this.argv.filter((word) => word !== '--detach' && word !== '-d')
      await detachSandbox(folder, [process.argv[1] as string, 'sandbox', 'up', ...words], this.signal)
      const { runningRecord } = await import('#sandbox/state.ts')
      this.#announce(flags.name, (await runningRecord(folder)).endpoint)
      this.notice(`its log is ${folder.logPath}`)
      return
    }
    const { runSandbox } = await import('#sandbox/life.ts')
    const { tellReady } = await import('#sandbox/detach.ts')
    const { SLOW_AGENT } = await import('#sandbox/agent/upload-stall.ts')
    const closeEvery = flags['close-every']
    await runSandbox({
      folder,
      sandbox: {
        agent: flags.agent,
        pace: flags.pace,
        latency: flags.latency,
        logger: this.logger,
        ...(flags['message-size'] === undefined ? {} : { messageSize: flags['message-size'] }),
        ...(closeEvery === undefined ? {} : { closeEvery: closeEvery * 1000 }),
        ...(flags.ssh === undefined ? {} : { bastionPorts: new Map([[22, flags.ssh]]) }),
        ...(flags['upload-stall'] ? { uploadStall: SLOW_AGENT } : {}),
      },
      signal: this.signal,
      ready: ({ endpoint }) => {
        this.#announce(flags.name, endpoint)
        tellReady()
      },
    })
  }

  #announce(name: string, endpoint: string): void {
    const option = name === 'default' ? '' : ` --name ${name}`
    if (this.jsonEnabled()) this.event({ event: 'ready', name, endpoint })
    else {
      this.log(`the sandbox "${name}" answers at ${endpoint}`)
      this.notice(`act on it: eval "$(pgctl sandbox env${option})"; end it: pgctl sandbox down${option}`)
    }
  }
}
