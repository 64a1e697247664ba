import { Args, Flags } from '@oclif/core'
import { systemProcesses } from '#core/tunnel/io/processes.ts'
import type { FaultOrder } from '#sandbox/gateway/faults.ts'
import { BaseCommand } from '../../base-command.ts'
import { sandboxFlag } from '../../flags.ts'
import { paths } from '../../paths.ts'

const KINDS = [
  'cut',
  'stall',
  'drop',
  'delay',
  'duplicate',
  'reorder',
  'refuse',
  'close-every',
  'clear',
] as const satisfies ReadonlyArray<FaultOrder['kind']>

export default class SandboxFault extends BaseCommand {
  static override summary = "Break something in a sandbox's message gateway, or mend it again."
  static override description = [
    'cut ends TCP connections; stall holds messages back; drop, delay, duplicate and reorder do that to them; refuse',
    'lets no client connect; close-every closes WebSockets in order, again and again; clear ends every fault.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> sandbox fault cut',
    '<%= config.bin %> sandbox fault stall --direction to-client --ms 3000',
    '<%= config.bin %> sandbox fault drop --share 0.05',
    '<%= config.bin %> sandbox fault clear',
  ]
  static override enableJsonFlag = true
  static override args = {
    kind: Args.string({ description: 'What goes wrong.', required: true, options: [...KINDS] }),
  }
  static override flags = {
    ...sandboxFlag,
    direction: Flags.string({ summary: 'Which way.', options: ['to-agent', 'to-client', 'both'] }),
    end: Flags.string({ summary: 'Whose connection is cut.', options: ['client', 'agent', 'both'] }),
    share: Flags.string({ summary: 'Which share of the messages, up to 1.', helpValue: 'SHARE' }),
    count: Flags.integer({ summary: 'How many messages.', helpValue: 'N', min: 1 }),
    only: Flags.string({ summary: 'Which messages.', options: ['data', 'acknowledge'] }),
    over: Flags.integer({ summary: 'Only messages of more bytes than this.', helpValue: 'BYTES', min: 1 }),
    ms: Flags.integer({ summary: 'For how long, how late or how often.', helpValue: 'MS', min: 1 }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SandboxFault)
    const { runningRecord, SandboxFolders } = await import('#sandbox/state.ts')
    const { AdminClient } = await import('#sandbox/admin-client.ts')
    const folder = new SandboxFolders(paths(process.env).state, systemProcesses).named(flags.name)
    const { direction, end, count, only, over, ms } = flags
    const share = flags.share === undefined ? undefined : Number(flags.share)
    const given = Object.entries({ direction, end, share, count, only, over, ms })
    // Which flags go with which kind, the sandbox knows; it refuses the rest in its own words.
    const fault = { kind: args.kind, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) }
    await new AdminClient(await runningRecord(folder)).order(fault as FaultOrder)
    this.notice(`${args.kind}: done`)
    return { fault }
  }
}
