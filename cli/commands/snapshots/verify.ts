import { verifyPoints } from '#core/snapshots/verify.ts'
import { checksDocument, renderChecks } from '../../render/snapshots.ts'
import { SnapshotCommand } from '../../snapshot-command.ts'
import { fingerprintFlag, snapshotFlags } from '../../snapshot-flags.ts'

export default class SnapshotsVerify extends SnapshotCommand {
  static override summary = 'Check that every set has a complete recovery point as new as the schedule wants.'
  static override description = [
    'The exit status is 5 when a check fails: a set without a complete point, one that is too old, a key that cannot be',
    'used, a secret in the cluster that is gone, a snapshot that never gets done, a datastore that no set has, or a list',
    'that could not be read. A point of the last day without a fingerprint, as the scheduled function makes them, is',
    'given one.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> snapshots verify',
    '<%= config.bin %> snapshots verify --json',
  ]
  static override enableJsonFlag = true
  static override flags = { ...snapshotFlags, ...fingerprintFlag }

  override async run(): Promise<object> {
    const { flags } = await this.parse(SnapshotsVerify)
    const { fingerprint, ...rest } = flags
    const { deps, view } = await this.view(rest)
    const { readKeys } = await import('#core/snapshots/io/tick.ts')
    const { checkFingerprints } = await import('../../snapshot-reading.ts')
    const keys = await readKeys(deps.keyApi, view.points, this.signal)
    const checks = [
      ...verifyPoints(view.input, view.points, keys),
      ...(fingerprint ? await checkFingerprints(deps, view, this.signal) : []),
    ]
    this.log(renderChecks(checks, this.paint))
    if (checks.some(({ passed }) => !passed)) this.unhealthy()
    return checksDocument(checks)
  }
}
