import { Flags } from '@oclif/core'
import { PgctlError } from '#core/errors.ts'
import { partOfPlan, planByHand } from '#core/snapshots/by-hand.ts'
import type { RunReport } from '#core/snapshots/run.ts'
import { renderRun, runDocument } from '../../render/snapshot-plan.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { fingerprintFlag, snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsCreate extends SnapshotCommand {
  static override summary = 'Begin a recovery point now, or what the schedule has due.'
  static override description = [
    'The snapshots are begun and not waited for: `snapshots list` shows when they are there. With --due, what the plan',
    'makes is begun and nothing is deleted; run twice, it makes nothing twice.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots create',
    '<%= config.bin %> snapshots create --set nightly',
    '<%= config.bin %> snapshots create --due',
  ]
  static override enableJsonFlag = true
  static override flags = {
    ...snapshotFlags,
    set: Flags.string({ summary: 'Only this set of the policy.', helpValue: 'SET', exclusive: ['due'] }),
    due: Flags.boolean({ summary: 'What the schedule has due, instead of a point beside it.' }),
    ...fingerprintFlag,
  }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsCreate)
    const { set, due, fingerprint, ...rest } = flags
    const { deps, view } = await this.view(rest)
    if (set !== undefined && view.input.policy.sets[set] === undefined)
      throw new PgctlError('target-unknown', `the policy has no set ${set}`, {
        why: `it has ${Object.keys(view.input.policy.sets).join(', ')}`,
        next: 'name one of these with --set, or leave it out for all',
      })
    const { runPlan } = await import('../../snapshot-reading.ts')
    const plan = due ? partOfPlan(view.plan, 'make') : planByHand(view.input, set)
    let report: RunReport
    try {
      report = await runPlan(deps, view, plan, this.signal)
      for (const why of view.input.unreadable) this.notice(`there may be more datastores than these: ${why}`)
      if (fingerprint) {
        const { fingerprintPoints } = await import('../../fingerprinting.ts')
        const why = await fingerprintPoints(deps, plan, this.signal)
        if (why !== undefined) this.notice(`the point has no fingerprint of the cluster's keys: ${why}`)
      }
    } finally {
      if (this.signal.aborted)
        this.notice(
          due
            ? 'what was begun goes on by itself; the same command again begins the rest'
            : 'what was begun goes on by itself: pgctl snapshots list; the same command again begins another point',
        )
    }
    this.log(renderRun(report, plan, this.paint))
    this.finish(report)
    return runDocument(report, plan)
  }
}
