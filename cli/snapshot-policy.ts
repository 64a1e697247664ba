import { PgctlError } from '#core/errors.ts'
import { checkRoom } from '#core/snapshots/io/adopt.ts'
import { snapshotPolicyParameter } from '#core/stack/names.ts'
import type { Deps } from './deps.ts'
import type { SnapshotView } from './snapshot-reading.ts'

/** What the service holds in a parameter of the larger kind. */
const LONGEST = 8192

/** The text that the function goes by, and where it stands; the text is undefined where nobody has put one. */
export async function readDeployedPolicy(
  deps: Deps,
  signal: AbortSignal,
): Promise<{ readonly from: string; readonly text: string | undefined }> {
  const name = snapshotPolicyParameter(deps.installation.workspace)
  return { from: `the parameter ${name}`, text: await deps.parameters.read(name, signal) }
}

/**
 * Puts the policy of `view` where the function looks for it, in the account that is pinned.
 * @throws PgctlError `config-invalid` where it would hit a quota, or is longer than what a parameter holds.
 */
export async function deployPolicy(deps: Deps, view: SnapshotView, signal: AbortSignal): Promise<string> {
  const name = snapshotPolicyParameter(deps.installation.workspace)
  checkRoom(view, view.policyFrom)
  const length = Buffer.byteLength(view.policyText)
  if (length > LONGEST)
    throw new PgctlError('config-invalid', `the snapshot policy ${view.policyFrom} is too long`, {
      why: `it has ${length} bytes, and a parameter holds ${LONGEST}`,
      next: 'leave out comments, or say the same in fewer sets',
    })
  await deps.identity(signal)
  await deps.parameters.write(name, view.policyText, signal)
  return name
}
