import { Flags } from '@oclif/core'
import { STREAM_STATUS_FILE } from '#core/audit/status.ts'
import { MOTD_FACTS_FILE } from '#core/bastion/motd.ts'
import { INSTALLATION_FILE } from '#core/installation/installation-file.ts'
import { BaseCommand } from '../../base-command.ts'
import { MACHINE_FILE } from '../../machine-file.ts'

export default class BastionReport extends BaseCommand {
  static override hidden = true
  static override summary = 'Say what this bastion does, as its unit has it do once a minute.'
  static override description = [
    'Connections and programs are counted in the files of the kernel, and said to whoever decides when the bastion stops.',
    'What people on it must be told is printed, for `wall`. It needs to be root.',
  ].join(' ')
  static override examples = ['<%= config.bin %> bastion report']
  static override flags = {
    file: Flags.string({
      summary: 'Which installation this is.',
      helpValue: 'FILE',
      default: INSTALLATION_FILE,
    }),
    machine: Flags.string({
      summary: 'Which machine this is, a file of cloud-init.',
      helpValue: 'FILE',
      default: MACHINE_FILE,
    }),
    versions: Flags.string({
      summary: 'Which programs are on it, a mapping in YAML.',
      helpValue: 'FILE',
      default: '/usr/share/pgctl-image/image.json',
    }),
    proc: Flags.string({
      summary: 'Where the files of the kernel are.',
      helpValue: 'FOLDER',
      default: '/proc',
    }),
    audit: Flags.string({
      summary: "Where what carries the audit's log away says how it is.",
      helpValue: 'FILE',
      default: STREAM_STATUS_FILE,
    }),
    facts: Flags.string({
      summary: 'Where the message of the day finds what it tells.',
      helpValue: 'FILE',
      default: MOTD_FACTS_FILE,
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(BastionReport)
    const { file: installation, machine, versions, proc, audit, facts } = flags
    const { reportActivity } = await import('../../bastion-report.ts')
    const told = await reportActivity(
      { installation, machine, versions, proc, audit, facts },
      { environment: process.env, version: this.config.version },
      this.signal,
    )
    for (const line of told) this.log(line)
  }
}
