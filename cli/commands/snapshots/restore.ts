import { Args, Flags } from '@oclif/core'
import {
  renderProgress,
  renderRemoval,
  renderRestorePlan,
  renderSwitch,
  restoreDocument,
} from '../../render/snapshot-restore.ts'
import { checkConfirmed, SnapshotCommand } from '../../snapshot-command.ts'
import { snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsRestore extends SnapshotCommand {
  static override summary = 'Restore a recovery point beside the original, and say how to switch over.'
  static override description = [
    'New datastores are made under new names; nothing that is there is changed. Run again, it goes on where it stood.',
    'A Redis that is a queue is restored behind a gate, caches and locks are made anew and empty. What follows, the',
    'switch and the way back, is said and left to you.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots restore newest --plan',
    '<%= config.bin %> snapshots restore pt-202611250230-1a2b3c4d --confirm acme',
    '<%= config.bin %> snapshots restore newest --only redis-queue --gate-group sg-0a1b2c3d --confirm acme',
  ]
  static override enableJsonFlag = true
  static override args = {
    point: Args.string({
      description: 'The id of the recovery point, or `newest`: the newest that is whole.',
      required: true,
    }),
  }
  static override flags = {
    ...snapshotFlags,
    confirm: Flags.string({
      summary: 'The name of the installation, typed out: nothing is made without it.',
      helpValue: 'NAME',
    }),
    plan: Flags.boolean({ summary: 'Show what would be made, and make nothing.' }),
    only: Flags.string({
      summary: 'Only this datastore of the point; may be repeated.',
      helpValue: 'DATASTORE',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'gate-group': Flags.string({
      summary: 'The security group of what is restored behind a gate, in place of its own.',
      helpValue: 'SG',
    }),
    wait: Flags.boolean({
      summary: 'Stay until everything is there.',
      default: true,
      allowNo: true,
    }),
  }

  override async run(): Promise<object> {
    const { args, flags } = await this.parse(SnapshotsRestore)
    const { confirm, plan: planOnly, only = [], 'gate-group': gateGroup, wait, ...rest } = flags
    const { deps, view } = await this.view(rest)
    const { readRestore, runRestore } = await import('../../restore-reading.ts')
    const restore = await readRestore(deps, view, { point: args.point, only, gateGroup }, this.signal)
    this.log(renderRestorePlan(restore, this.paint))
    if (planOnly) {
      this.log(renderSwitch(restore, [], this.paint))
      return restoreDocument(restore, undefined)
    }
    checkConfirmed(confirm, deps.installation.name, 'making datastores')
    const { plan } = restore
    try {
      const progress = await runRestore(
        deps,
        plan,
        { wait, onProgress: (now) => this.notice(renderProgress(now, this.paintNotice)) },
        this.signal,
      )
      this.log(renderProgress(progress, this.paint))
      const failed = progress.some(({ state }) => state === 'failed' || state === 'taken')
      this.log(failed ? renderRemoval(plan, this.paint) : renderSwitch(restore, progress, this.paint))
      if (failed) process.exitCode = 1
      return restoreDocument(restore, progress)
    } finally {
      if (this.signal.aborted)
        this.notice(
          [
            'what was begun goes on by itself; to watch it, run the same command again',
            renderRemoval(plan, this.paintNotice),
          ].join('\n'),
        )
    }
  }
}
