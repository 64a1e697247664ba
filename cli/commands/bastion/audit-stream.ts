import { Flags } from '@oclif/core'
import { STREAM_STATUS_FILE } from '#core/audit/status.ts'
import { INSTALLATION_FILE } from '#core/installation/installation-file.ts'
import { BaseCommand } from '../../base-command.ts'
import { MACHINE_FILE } from '../../machine-file.ts'

export default class BastionAuditStream extends BaseCommand {
  static override hidden = true
  static override summary = "Carry this bastion's audit log to its log group, as its unit has it do."
  static override description = [
    'It goes on until it is ended; what it cannot carry away stays in the files of the audit, and is tried again. After a',
    'start it goes on where it was: some events may come twice, and none is left out.',
  ].join(' ')
  static override examples = ['<%= config.bin %> bastion audit-stream']
  static override flags = {
    file: Flags.string({
      summary: 'Which installation this is, and which log group.',
      helpValue: 'FILE',
      default: INSTALLATION_FILE,
    }),
    machine: Flags.string({
      summary: 'Which machine this is; its stream has the same name.',
      helpValue: 'FILE',
      default: MACHINE_FILE,
    }),
    log: Flags.string({
      summary: "The file that the audit's daemon writes.",
      helpValue: 'FILE',
      default: '/var/log/audit/audit.log',
    }),
    place: Flags.string({
      summary: 'Where it is written down how far it has come.',
      helpValue: 'FILE',
      default: '/var/lib/pgctl-audit-stream/place.json',
    }),
    status: Flags.string({
      summary: 'Where it says how it is.',
      helpValue: 'FILE',
      default: STREAM_STATUS_FILE,
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(BastionAuditStream)
    const { file: installation, machine, log, place, status } = flags
    const { streamAuditLog } = await import('../../audit-stream.ts')
    const say = (text: string) => this.notice(`pgctl: ${text}`)
    await streamAuditLog(
      { installation, machine, log, place, status },
      { environment: process.env, version: this.config.version, say },
      this.signal,
    )
  }
}
