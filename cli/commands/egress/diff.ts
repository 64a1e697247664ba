import { Args, Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { parseDuration } from '#core/text/duration.ts'
import { BaseCommand } from '../../base-command.ts'
import { deployedFlag, installationFlags } from '../../flags.ts'
import { diffDocument, renderDiff } from '../../render/egress-diff.ts'

export default class EgressDiff extends BaseCommand {
  static override summary = 'Sort what left a network, by its logs, and name what nobody has explained.'
  static override description = [
    'FLOWS are VPC flow logs and query logs of the Route 53 resolver, in any order: files (plain or gzipped),',
    's3://BUCKET/PREFIX, or cloudwatch:GROUP. Each flow that left is a row of the ledger, of a workload of the product,',
    'known of others (with the setting that stops it), or unexplained. Whose an interface is, the account says where it',
    'is asked. What the logs cannot prove is said as well. The exit status is 5 where something is unexplained.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> egress diff flows.log.gz resolver.log.gz',
    '<%= config.bin %> egress diff flows.log resolver.log --workload eni-0aaa --workload eni-0bbb --json',
    '<%= config.bin %> egress diff s3://acme-logs/AWSLogs cloudwatch:/acme/resolver --since 7d --deployed',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    flows: Args.string({
      required: true,
      description:
        'Flow logs or resolver logs: a file, s3://BUCKET/PREFIX or cloudwatch:GROUP; several may follow.',
    }),
  }
  static override flags = {
    ...installationFlags,
    ...deployedFlag,
    discover: Flags.boolean({
      summary: 'Ask the account which interface is whose, for files as well.',
    }),
    since: Flags.string({
      summary: 'How far back logs are read that are no files.',
      helpValue: 'DURATION',
      default: '24h',
    }),
    workload: Flags.string({
      summary:
        "A network interface of the product's workloads, as the cluster's nodes have; may be repeated.",
      helpValue: 'ENI',
      multiple: true,
    }),
  }

  override async run(): Promise<object> {
    const { argv, flags } = await this.parse(EgressDiff)
    const { workload = [], discover, deployed, since, ...where } = flags
    const span = parseDuration(since)
    if (span === undefined)
      throw new PgctlError('usage', `--since ${since} is no span of time`, {
        next: 'write it as 90m, 24h or 7d',
      })
    const { diffEgress } = await import('../../egress-diff.ts')
    const diff = await diffEgress(this.surroundings(where), {
      sources: argv.map(String),
      workloads: workload,
      discover,
      deployed,
      since: span,
      signal: this.signal,
    })
    this.log(renderDiff(diff, this.paint))
    if (diff.sorted.unexplained.length > 0) this.unhealthy()
    return diffDocument(diff)
  }
}
