import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { parseDuration } from '#core/text/duration.ts'
import { toJson } from '../../render/json.ts'
import { rehearsalDocument, renderRehearsal } from '../../render/snapshot-rehearsal.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

const many = { multiple: true, multipleNonGreedy: true } as const

export default class SnapshotsRehearse extends SnapshotCommand {
  static override summary = 'Restore dumps into a Postgres and a Redis on this computer, and check them.'
  static override description = [
    'The engines are those that are installed here. They listen on no port, where the system allows it without any',
    'network, with a password of their own from their first moment; all of it is in one folder for you alone, which is',
    'gone when the command ends, however it ends. With a recovery point, the dumps have to be of its time. The exit',
    'status is 5 when a check fails.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots rehearse --postgres hermes.dump --redis queue.rdb',
    '<%= config.bin %> snapshots rehearse newest --postgres hermes.dump --rows users=1000 --query "select count(*) > 0 from users"',
    '<%= config.bin %> snapshots rehearse --redis queue.rdb --keys 1 --command "LLEN bull:jobs:wait" --report rehearsal.json',
  ]
  static override enableJsonFlag = true
  static override args = {
    point: Args.string({ description: 'The recovery point that the dumps are of, or `newest`.' }),
  }
  static override flags = {
    ...snapshotFlags,
    postgres: Flags.string({
      summary: 'A dump by pg_dump: custom, tar, SQL, or SQL packed by gzip; may be repeated.',
      helpValue: 'FILE',
      ...many,
    }),
    redis: Flags.string({ summary: 'A dump of Redis, an RDB; may be repeated.', helpValue: 'FILE', ...many }),
    rows: Flags.string({
      summary: 'A table, and how many rows it has at least; may be repeated.',
      helpValue: 'TABLE=N',
      ...many,
    }),
    keys: Flags.integer({ summary: 'How many keys each Redis has at least.', helpValue: 'N', min: 0 }),
    query: Flags.string({
      summary: 'SQL that has to say something other than false, null or 0; may be repeated.',
      helpValue: 'SQL',
      ...many,
    }),
    command: Flags.string({
      summary: 'A command of Redis that has to say something other than nil or 0; may be repeated.',
      helpValue: 'COMMAND',
      ...many,
    }),
    apart: Flags.string({
      summary: 'How far from the point a dump may have been made.',
      helpValue: 'SPAN',
      default: '6h',
    }),
    report: Flags.string({ summary: 'Write the report to a file as well, as JSON.', helpValue: 'FILE' }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SnapshotsRehearse)
    const { postgres = [], redis = [], rows = [], keys = 0, query = [], command = [], ...others } = flags
    const { apart, report: reportFile, ...rest } = others
    if (postgres.length + redis.length === 0)
      throw new PgctlError('usage', 'there is nothing to restore', {
        next: 'name dumps: --postgres FILE, --redis FILE',
      })
    const span = parseDuration(apart)
    if (span === undefined)
      throw new PgctlError('usage', `${apart} is no span of time`, { next: 'write it as --apart 6h' })
    const { rehearseHere, rowWishes } = await import('../../rehearsal.ts')
    const wishes = { postgres, redis, queries: query, commands: command, apart: span }
    const expectations = { rows: rowWishes(rows), keys }
    const point = args.point === undefined ? undefined : await this.#point(args.point, rest)
    const report = await rehearseHere(
      { ...wishes, expectations, point },
      { environment: process.env, onProgress: (says) => this.notice(says), signal: this.signal },
    )
    const document = rehearsalDocument(report)
    if (reportFile !== undefined) {
      const { writeResult } = await import('../../write-result.ts')
      await writeResult(reportFile, `${toJson(document, 2)}\n`)
    }
    this.log(renderRehearsal(report, this.paint))
    if (report.checks.some(({ passed }) => !passed)) this.unhealthy()
    return document
  }

  async #point(id: string, flags: Parameters<SnapshotCommand['view']>[0]) {
    const { view } = await this.view(flags)
    const { findPoint } = await import('../../snapshot-reading.ts')
    return findPoint(view, id)
  }
}
