import { DatastoreCommand, datastoreArgs, datastoreFlags } from '../datastore-command.ts'

export default class Redis extends DatastoreCommand {
  static override summary = 'Run redis-cli against a cache of the installation.'
  static override description = [
    'The redis-cli of this computer, through a tunnel in the background that the next command finds again, and that',
    'closes its session when unused; `--background off`, `background: off` or a --reason give a run a session of its own.',
    'redis-cli checks no names on certificates, and so pgctl speaks TLS for it, and checks the certificate against the real',
    'name. Of a cluster every node that redis-cli is sent on to gets a tunnel of its own. A password, where one is wanted,',
    'is that of the product, and is never an argument.',
    'There is no read-only mode: what you say is done. Behind two dashes stand words for redis-cli; the exit status is',
    'that of redis-cli.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> redis',
    '<%= config.bin %> redis queue -- INFO keyspace',
    '<%= config.bin %> redis cache --reason "INC-4711" -- --scan --pattern "session:*"',
  ]
  static override usage = 'redis [NAME] [FLAGS] [-- ARGUMENTS...]'
  static override enableJsonFlag = true
  static override args = datastoreArgs
  static override flags = datastoreFlags

  override async run(): Promise<object | undefined> {
    const { own, client } = this.splitWords()
    const { args, flags } = await this.parse(Redis, own)
    if (flags.recipe)
      return this.showRecipe('redis', args.name, { ...flags, user: flags.user, reason: flags.reason })
    this.refuseJson()
    const { runRedis } = await import('../redis-session.ts')
    const run = {
      ...{ engine: 'redis' as const, name: args.name, reader: flags.reader, reason: flags.reason },
      ...{ credentials: flags.credentials, user: flags.user, words: client },
      onRun: () => this.lendCtrlC(),
    }
    process.exitCode = await runRedis(this.sessionSurroundings(flags), run, this.telling(), this.signal)
    return undefined
  }
}
