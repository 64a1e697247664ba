import { Flags } from '@oclif/core'
import { renderPolicy } from '../../render/snapshots.ts'
import { checkConfirmed, SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsPolicy extends SnapshotCommand {
  static override summary = 'Show the policy of snapshots, or give the scheduled function another.'
  static override description = [
    'Without --deployed and --set it is the policy that the other commands go by here; with --deployed that of the',
    'scheduled function. With --set a file is checked, lived through for 90 days, and put where the function looks for',
    'it: its next run goes by it. A rule that keeps less than the one before waits before it deletes.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots policy',
    '<%= config.bin %> snapshots policy --deployed > snapshots.yaml',
    '<%= config.bin %> snapshots policy --set snapshots.yaml --confirm acme',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...snapshotFlags,
    deployed: Flags.boolean({ summary: "The scheduled function's.", exclusive: ['policy', 'set'] }),
    set: Flags.string({
      summary: 'Gives this file to the scheduled function.',
      helpValue: 'FILE',
      exclusive: ['policy'],
    }),
    confirm: Flags.string({
      summary: 'The name of the installation, typed out: the function is given nothing without it.',
      helpValue: 'NAME',
      dependsOn: ['set'],
    }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsPolicy)
    const { deployed, set, confirm, ...rest } = flags
    const { deps, view } = await this.view(set === undefined ? rest : { ...rest, policy: set })
    const { deployPolicy, readDeployedPolicy } = await import('../../snapshot-policy.ts')
    if (set !== undefined) {
      checkConfirmed(confirm, deps.installation.name, 'giving the scheduled function another policy')
      const parameter = await deployPolicy(deps, view, this.signal)
      for (const stray of view.stray) this.notice(stray)
      this.log(
        `the scheduled function goes by ${set} from its next run on: it is in the parameter ${parameter}`,
      )
      return { policy: set, text: view.policyText, parameter }
    }
    const { from, text } = deployed
      ? await readDeployedPolicy(deps, this.signal)
      : { from: view.policyFrom, text: view.policyText }
    if (text === undefined)
      this.notice(`there is nothing in ${from}: the scheduled function goes by the default policy`)
    else this.log(renderPolicy(from, text, this.paint))
    return { policy: from, text: text ?? null }
  }
}
