import { Flags } from '@oclif/core'
import { DatastoreCommand, datastoreArgs, datastoreFlags } from '../datastore-command.ts'

export default class Psql extends DatastoreCommand {
  static override summary = 'Run psql against a database of the installation.'
  static override description = [
    'The psql of this computer, through a tunnel in the background that the next command finds again, and that closes',
    'its session when unused; `--background off`, `background: off` or a --reason give a run a session of its own. The',
    'certificate is checked against the real name of the database and the authorities of RDS in its region, which pgctl',
    'carries: --ca, PGCTL_CA or `ca` in the configuration',
    "name others. The login is that of the product, from the cluster's Secret (get secrets), else from Secrets Manager",
    '(the password that RDS keeps, or the secret of the product); --credentials iam --user NAME signs a token instead.',
    'Sessions are read-only unless --write: that is a guard against slips, and whoever sets the session otherwise may',
    'write as far as the login allows. The password is never an argument. Behind two dashes stand words for psql. The',
    'exit status is that of psql.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> psql',
    '<%= config.bin %> psql hermes -- -c "select count(*) from workflows"',
    '<%= config.bin %> psql hermes --write --reason "INC-4711"',
    '<%= config.bin %> psql zeus --credentials iam --user alice',
    '<%= config.bin %> psql hermes --recipe',
  ]
  static override usage = 'psql [NAME] [FLAGS] [-- ARGUMENTS...]'
  static override enableJsonFlag = true
  static override args = datastoreArgs
  static override flags = {
    ...datastoreFlags,
    database: Flags.string({
      summary: 'This database, instead of the one of the login.',
      helpValue: 'NAME',
    }),
    write: Flags.boolean({ summary: 'Take writes: without it, sessions are read-only.' }),
  }

  override async run(): Promise<object | undefined> {
    const { own, client } = this.splitWords()
    const { args, flags } = await this.parse(Psql, own)
    if (flags.recipe) return this.showRecipe('postgres', args.name, flags)
    this.refuseJson()
    const { runPsql } = await import('../psql-session.ts')
    const run = {
      ...{ engine: 'postgres' as const, name: args.name, reader: flags.reader, write: flags.write },
      ...{ credentials: flags.credentials, user: flags.user, database: flags.database, reason: flags.reason },
      words: client,
      onRun: (files: Disposable) => {
        this.onAbruptEnd(() => files[Symbol.dispose]())
        return this.lendCtrlC()
      },
    }
    process.exitCode = await runPsql(this.sessionSurroundings(flags), run, this.telling(), this.signal)
    return undefined
  }
}
