import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { installationFlags } from '../../flags.ts'
import { diffDocument, renderDiff } from '../../render/egress-diff.ts'

export default class EgressDiff extends BaseCommand {
  static override summary = 'Sort what left a network, by its logs, and name what nobody has explained.'
  static override description = [
    'FLOWS are files of VPC flow logs and of the Route 53 resolver, plain or gzipped, in any order. Each flow that left',
    'is a row of the ledger, of a workload of the product, known of others (with the setting that stops it), or',
    'unexplained. What the logs cannot prove is said as well. The exit status is 5 where something is unexplained.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> egress diff flows.log.gz resolver.log.gz',
    '<%= config.bin %> egress diff flows.log resolver.log --workload eni-0aaa --workload eni-0bbb --json',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    flows: Args.string({
      required: true,
      description: 'A file of flow logs or resolver logs; several may follow.',
    }),
  }
  static override flags = {
    ...installationFlags,
    workload: Flags.string({
      summary:
        "A network interface of the product's workloads, as the cluster's nodes have; may be repeated.",
      helpValue: 'ENI',
      multiple: true,
    }),
  }

  override async run(): Promise<object> {
    const { argv, flags } = await this.parse(EgressDiff)
    const { installation, region, profile, workload = [] } = flags
    const { diffEgress } = await import('../../egress-diff.ts')
    const diff = await diffEgress(
      this.surroundings({ installation, region, profile }),
      argv.map(String),
      workload,
    )
    this.log(renderDiff(diff, this.paint))
    if (diff.sorted.unexplained.length > 0) this.unhealthy()
    return diffDocument(diff)
  }
}
