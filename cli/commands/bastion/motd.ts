import { readFile } from 'node:fs/promises'
import { Flags } from '@oclif/core'
import { MOTD_FACTS_FILE, parseMotdFacts, renderMotd } from '#core/bastion/motd.ts'
import { isPgctlError, PgctlError } from '#core/errors.ts'
import { INSTALLATION_FILE, parseInstallationFile } from '#core/installation/installation-file.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { BaseCommand } from '../../base-command.ts'

export default class BastionMotd extends BaseCommand {
  static override hidden = true
  static override summary = 'Show which installation this bastion is of, and how long it stays.'
  static override description = 'For whoever has just logged in: it reads two files, and asks nobody.'
  static override examples = ['<%= config.bin %> bastion motd']
  static override flags = {
    file: Flags.string({
      summary: 'Which installation this is.',
      helpValue: 'FILE',
      default: INSTALLATION_FILE,
    }),
    facts: Flags.string({
      summary: 'What its unit has found out.',
      helpValue: 'FILE',
      default: MOTD_FACTS_FILE,
    }),
    session: Flags.string({
      summary: 'The session of the reader.',
      helpValue: 'ID',
      env: 'AWS_SSM_SESSION_ID',
    }),
  }

  override async run(): Promise<void> {
    const { flags } = await this.parse(BastionMotd)
    const file = parseInstallationFile(await this.#read(flags.file))
    const facts = await this.#read(flags.facts).catch((error: unknown) => {
      if (isPgctlError(error)) return ''
      throw error
    })
    const now = systemClock.now().wall
    this.log(renderMotd(file, parseMotdFacts(facts), { now, session: flags.session }))
  }

  async #read(path: string): Promise<string> {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      throw new PgctlError('not-supported', 'this is no bastion of an installation', {
        why: `${path} cannot be read`,
        next: 'log in to one: pgctl login',
        cause: error,
      })
    }
  }
}
