import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { partOfPlan } from '#core/snapshots/by-hand.ts'
import { renderRun, runDocument } from '../../render/snapshot-plan.ts'
import { checkConfirmed, SnapshotCommand } from '../../snapshot-command.ts'
import { confirmFlag, snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsPrune extends SnapshotCommand {
  static override summary = 'Delete the snapshots that no rule of the policy keeps.'
  static override description = [
    'Exactly the deletes that `snapshots plan` shows. Each is checked on a listing that was just read: the newest, the',
    'minimum, what is pinned and what is not ours stay, whatever the plan said.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots prune --confirm acme',
    '<%= config.bin %> snapshots prune --plan 0a1b2c3d4e5f6071 --confirm acme',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...snapshotFlags,
    ...confirmFlag,
    plan: Flags.string({ summary: 'Only if the plan still has this digest.', helpValue: 'DIGEST' }),
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsPrune)
    const { confirm, plan: digest, ...rest } = flags
    const { deps, view } = await this.view(rest)
    checkConfirmed(confirm, deps.installation.name, 'deleting snapshots')
    if (digest !== undefined && digest !== view.plan.digest)
      throw new PgctlError('state-conflict', `the plan ${digest} no longer holds`, {
        why: `there are other snapshots, or another policy, since: the plan is ${view.plan.digest} now`,
        next: 'look at it again: pgctl snapshots plan',
      })
    const { runPlan } = await import('../../snapshot-reading.ts')
    const plan = partOfPlan(view.plan, 'delete')
    const report = await runPlan(deps, view, plan, this.signal)
    this.log(renderRun(report, plan, this.paint))
    this.finish(report)
    return runDocument(report, plan)
  }
}
