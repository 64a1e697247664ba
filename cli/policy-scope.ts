import { lifeKey } from '#core/bastion/names.ts'
import { isPgctlError, type PgctlError } from '#core/errors.ts'
import { resourceNames } from '#core/installation/discovery.ts'
import { loginSecret } from '#core/installation/profile.ts'
import { portDocumentPattern } from '#core/permissions/documents.ts'
import type { PolicyScope } from '#core/permissions/places.ts'
import { signingAlias, snapshotPolicyParameter, tableName } from '#core/stack/names.ts'
import type { Deps } from './deps.ts'

/** By which a tunnel goes to any host that the bastion reaches. */
const REMOTE_HOST_DOCUMENT = 'AWS-StartPortForwardingSessionToRemoteHost'

export interface ScopeReading {
  readonly scope: PolicyScope
  /** Why nobody knows whether sessions are encrypted by a key of the account. */
  readonly unread: PgctlError | undefined
}

/** The installation as a policy is written for it: from its names, and the account's session preferences. */
export async function readPolicyScope(deps: Deps, signal: AbortSignal): Promise<ScopeReading> {
  const { installation, profile } = deps
  const { workspace, region, account, bastion } = installation
  const names = resourceNames(profile, workspace)
  const { key, unread } = await readKey(deps, signal)
  return {
    scope: {
      workspace,
      region,
      account,
      bastion: bastion === undefined ? { name: names.bastion } : { id: bastion },
      clusterName: names.cluster,
      trailName: names.trail,
      bucketNames: names.buckets.map(({ id }) => id),
      databases: names.datastores.postgres,
      caches: names.datastores.redis,
      bastionGroup: names.bastion,
      lifeKey: lifeKey(workspace),
      loginSecret: loginSecret(profile, workspace),
      snapshotPolicyParameter: snapshotPolicyParameter(workspace),
      portDocuments: [
        installation.sessionDocuments === 'own' ? portDocumentPattern(workspace) : REMOTE_HOST_DOCUMENT,
      ],
      sessionKey: key,
      stateTable: tableName(workspace),
      ledgerAlias: signingAlias(workspace),
    },
    unread,
  }
}

/** Whoever writes policies may have no credentials of the account yet. */
async function readKey(
  deps: Deps,
  signal: AbortSignal,
): Promise<{ key: string | undefined; unread: PgctlError | undefined }> {
  try {
    await deps.identity(signal)
    return { key: await deps.sessionKey(signal), unread: undefined }
  } catch (error) {
    signal.throwIfAborted()
    if (!isPgctlError(error) || error.code === 'account-mismatch') throw error
    return { key: undefined, unread: error }
  }
}
